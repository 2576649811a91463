// Three ways to send openid-client's requests: its `customFetch`.
import { Agent, request as nodeRequest } from 'node:http'
import { request as undiciRequest } from 'undici'

const agent = new Agent({ keepAlive: true })

export const transports = {
  /** openid-client's default. */
  fetch: undefined,

  async undici(url, { method, headers, body }) {
    const response = await undiciRequest(url, { method, headers, body: body?.toString() })
    return new Response(await response.body.text(), {
      status: response.statusCode,
      headers: { 'content-type': String(response.headers['content-type']) },
    })
  },

  'node:http': (url, { method, headers, body }) =>
    new Promise((resolve, reject) => {
      const req = nodeRequest(url, { method, headers, agent }, (res) => {
        const chunks = []
        res.on('data', (chunk) => chunks.push(chunk))
        res.on('error', reject)
        res.on('end', () =>
          resolve(
            new Response(Buffer.concat(chunks).toString(), {
              status: res.statusCode,
              headers: { 'content-type': res.headers['content-type'] },
            }),
          ),
        )
      })
      req.on('error', reject)
      req.end(body?.toString())
    }),
}
