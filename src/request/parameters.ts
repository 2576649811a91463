import type { Request } from 'express'
import { type ErrorCode, RelyingPartyError } from '../errors.js'
import { isObject, parseObject } from '../lib/json.js'
import { type Parameters, readParameters } from '../lib/uniqueParameters.js'
import { requestQuery } from './url.js'

/** The maximum size of a form body. In bytes. */
const MAX_BODY = 262_144

/**
 * Reads the parameters of a request, unverified: from the form body of a POST, otherwise from the query. Works with and
 * without a body parser.
 *
 * @param code - the error code for malformed parameters
 * @throws `code`, `ERR_BODY_TOO_LARGE`
 */
export async function readRequestParameters(
  req: Request,
  code: ErrorCode = 'ERR_AUTHORIZATION_RESPONSE_INVALID',
): Promise<Parameters> {
  if (req.method !== 'POST') {
    return readParameters(new URLSearchParams(requestQuery(req)), code)
  }
  if (!req.is('application/x-www-form-urlencoded')) throw notAForm(code)
  return readParameters(await readForm(req, code), code)
}

async function readForm(req: Request, code: ErrorCode): Promise<URLSearchParams | Record<string, unknown>> {
  const parsed: unknown = req.body
  if (typeof parsed === 'string' || Buffer.isBuffer(parsed)) return new URLSearchParams(parsed.toString())
  // A parser of other content types leaves an empty object, and the stream unread.
  if (!req.readableDidRead && !req.destroyed) return new URLSearchParams(await readStream(req, code))
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>
  throw notAForm(code)
}

/**
 * Reads a body of one media type as text, unverified. Works with and without a body parser.
 *
 * @param code - the error code for a body of another type
 * @throws `code`, `ERR_BODY_TOO_LARGE`
 */
export async function readTextBody(req: Request, type: string, code: ErrorCode): Promise<string> {
  const parsed: unknown = req.body
  if (!req.is(type)) throw notOfType(type, code)
  if (typeof parsed === 'string' || Buffer.isBuffer(parsed)) return parsed.toString().trim()
  if (!req.readableDidRead && !req.destroyed) return (await readStream(req, code)).trim()
  throw notOfType(type, code)
}

/**
 * Reads a JSON body, unverified. Works with and without a body parser.
 *
 * @param code - the error code for a body of another type, and for malformed JSON
 * @throws `code`, `ERR_BODY_TOO_LARGE`
 */
export async function readJsonBody(req: Request, code: ErrorCode): Promise<Record<string, unknown>> {
  const parsed: unknown = req.body
  const isRead = req.readableDidRead && isObject(parsed)
  if (isRead && req.is('application/json')) return parsed
  const object = parseObject(await readTextBody(req, 'application/json', code))
  if (object) return object
  throw notOfType('a JSON object', code)
}

function notOfType(type: string, code: ErrorCode): RelyingPartyError {
  return new RelyingPartyError(code, `the request does not contain ${type}`, {
    hint: `a POST here must have a body of the type ${type}`,
  })
}

function readStream(req: Request, code: ErrorCode): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    req.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_BODY) {
        chunks.push(chunk)
      } else {
        // Read and drop the rest: Express's own error handler waits for the end of the request.
        chunks.length = 0
        reject(
          new RelyingPartyError('ERR_BODY_TOO_LARGE', 'the submitted form is too large', {
            hint: `the body is larger than ${MAX_BODY} bytes`,
          }),
        )
      }
    })
    req.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    req.on('error', reject)
    req.on('close', () => reject(notAForm(code)))
  })
}

function notAForm(code: ErrorCode): RelyingPartyError {
  return new RelyingPartyError(code, 'the request does not contain a form', {
    hint: 'a POST here must have a body of the type application/x-www-form-urlencoded',
  })
}
