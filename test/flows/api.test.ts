import { expect, it } from 'vitest'
import { run } from '../../examples/api/run.js'

it('the API example answers 200, 401, 403 and 201, with a challenge if one is due', async () => {
  const lines: string[] = []
  await run((line) => lines.push(line))
  expect(lines).toEqual([
    'With a token for reports:read: 200 ["Q1 sales","Q2 sales"]',
    'Without a token: 401 {"error":"ERR_AUTHENTICATION_REQUIRED"}',
    '  Bearer',
    'With an invalid token: 401 {"error":"ERR_ACCESS_TOKEN_INVALID"}',
    '  Bearer error="invalid_token"',
    'Writing with the token for reports:read: 403 {"error":"ERR_INSUFFICIENT_SCOPE"}',
    '  Bearer error="insufficient_scope", scope="reports:write"',
    'Writing with a token for reports:write: 201 {"by":"report-reader"}',
  ])
})
