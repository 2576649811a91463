import { twoProcesses } from '../support/bed/twoProcesses.js'
import { describeWith } from '../support/run/requirements.js'
import { connectPostgresStores, connectRedisStores } from '../support/stores/connected.js'

describeWith('redis', 'two processes with connect-redis and redisStore', (url) => {
  twoProcesses(() => connectRedisStores(url))
})

describeWith('postgres', 'two processes with connect-pg-simple and postgresStore', (url) => {
  twoProcesses(() => connectPostgresStores(url))
})
