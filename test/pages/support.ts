import express, { type Request, type RequestHandler, type Response } from 'express'
import supertest from 'supertest'
import { type Pages, type PagesOptions, resolvePages } from '../../src/pages/options.js'

/** What a browser sends to open a page. */
export const NAVIGATION = { Accept: 'text/html,application/xhtml+xml', 'Sec-Fetch-Mode': 'navigate' }

export const LINKS = { start: '/app/', login: '/app/login', hasChoice: true }

/** Resolves options of pages for an application with several providers at `/app`. */
export function pagesOf(options?: PagesOptions): Pages {
  return resolvePages(options, LINKS)
}

/** Requests a page from an application that only sends this one. */
export function open(
  send: (req: Request, res: Response) => Promise<void>,
  headers: Record<string, string> = {},
): supertest.Test {
  const route: RequestHandler = (req, res, next) => void send(req, res).catch(next)
  return supertest(express().set('env', 'test').use(route))
    .get('/')
    .set({ ...NAVIGATION, ...headers })
}
