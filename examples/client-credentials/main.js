// @ts-check
import { createReportsApi } from '../shared/reports-api.js'
import { startExample } from '../shared/start.js'
import { providerOptions, readReports, registration } from './app.js'

const { baseUrl, provider, close } = await startExample({
  createApp: ({ baseUrl, issuer }) => createReportsApi({ issuer, audience: baseUrl }),
  registration,
  providerOptions,
})
try {
  const [answer] = await readReports({ issuer: provider.issuer, apiUrl: baseUrl })
  console.log(`The job, which has no user, got from the API: ${JSON.stringify(answer)}`)
} finally {
  await close()
}
