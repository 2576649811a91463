// @ts-check
import { LRUCache } from 'lru-cache'

/** @typedef {import('oidc-provider').AdapterPayload} Payload */

/** Models that are revoked together with their grant. */
const grantable = new Set([
  'AccessToken',
  'AuthorizationCode',
  'RefreshToken',
  'DeviceCode',
  'BackchannelAuthenticationRequest',
])

/**
 * Returns the storage of one provider, in the memory of this process.
 *
 * @param {number} [maxEntries] of each kind; beyond, the oldest are forgotten
 * @returns {import('oidc-provider').AdapterFactory}
 */
export function createMemoryAdapter(maxEntries = 20_000) {
  /** @type {LRUCache<string, Payload>} */
  const records = new LRUCache({ max: maxEntries })
  /** Secondary keys (`uid:…`, `user_code:…`) to record keys. @type {LRUCache<string, string>} */
  const aliases = new LRUCache({ max: maxEntries })
  /** Grant IDs to the keys of the records that are revoked with them. @type {LRUCache<string, Set<string>>} */
  const grants = new LRUCache({ max: maxEntries })

  /** @param {string} alias */
  const findByAlias = async (alias) => records.get(aliases.get(alias) ?? '')

  return (model) => ({
    async upsert(id, payload, expiresIn) {
      const key = `${model}:${id}`
      const options = expiresIn === undefined ? {} : { ttl: expiresIn * 1000 }
      records.set(key, payload, options)
      if (model === 'Session' && payload.uid) aliases.set(`uid:${payload.uid}`, key, options)
      if (payload.userCode) aliases.set(`user_code:${payload.userCode}`, key, options)
      if (payload.grantId && grantable.has(model)) {
        grants.set(payload.grantId, (grants.get(payload.grantId) ?? new Set()).add(key))
      }
    },
    find: async (id) => records.get(`${model}:${id}`),
    findByUid: (uid) => findByAlias(`uid:${uid}`),
    findByUserCode: (userCode) => findByAlias(`user_code:${userCode}`),
    async consume(id) {
      const payload = records.get(`${model}:${id}`)
      if (payload) payload.consumed = Math.floor(Date.now() / 1000)
    },
    async destroy(id) {
      records.delete(`${model}:${id}`)
    },
    async revokeByGrantId(grantId) {
      for (const key of grants.get(grantId) ?? []) records.delete(key)
      grants.delete(grantId)
    },
  })
}
