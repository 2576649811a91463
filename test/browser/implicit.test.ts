import { expect } from 'vitest'
import { createApp, registration } from '../../examples/implicit/app.js'
import { exampleTest } from '../support/run/chromium.js'
import { describeWith } from '../support/run/requirements.js'

const it = exampleTest({ createApp, registration })

describeWith('chromium', 'the implicit example in a browser', () => {
  it('returns the ID token in a cross-site POST, and in no URL', async ({ page, example }) => {
    const urls: string[] = []
    let posted = new URLSearchParams()
    page.on('request', (request) => {
      urls.push(request.url())
      if (request.url() === `${example.baseUrl}/callback`) posted = new URLSearchParams(request.postData() ?? '')
    })
    await page.goto(`${example.baseUrl}/profile`)
    expect(new URL(page.url()).hostname).toBe('127.0.0.1')
    await page.getByRole('button', { name: /Ada/ }).click()
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('heading', { name: 'Hello, Ada Lovelace' }).waitFor()
    expect(page.url()).toBe(`${example.baseUrl}/profile`)
    expect(posted.get('id_token')?.split('.')).toHaveLength(3)
    expect(posted.has('code') || posted.has('access_token')).toBe(false)
    expect(urls.filter((url) => url.includes(posted.get('id_token') ?? ''))).toEqual([])
  })

  it('signs out at both, so that the next login asks for a user again', async ({ page, example }) => {
    await page.goto(`${example.baseUrl}/profile`)
    await page.getByRole('button', { name: /Grace/ }).click()
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: /Grace/ }).waitFor()
  })

  it('reports that the user denied, and offers a retry', async ({ page, example }) => {
    await page.goto(`${example.baseUrl}/profile`)
    await page.getByRole('button', { name: /Ada/ }).click()
    await page.getByRole('button', { name: 'Deny' }).click()
    await page.getByText('ERR_AUTHORIZATION_DENIED').waitFor()
    await page.getByRole('link', { name: 'Try again' }).click()
    await page.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('heading', { name: 'Hello, Ada Lovelace' }).waitFor()
  })
})
