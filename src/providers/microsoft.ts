import { LoginRefusedError } from '../errors.js'
import type { Check } from '../lib/check.js'
import * as brands from './table/brands.js'
import { instanceUrl } from './table/checks.js'
import { openIdPreset } from './table/preset.js'

/** Options that only {@link microsoft} has. */
export interface MicrosoftOptions {
  /**
   * Who may sign in: the ID of a tenant; or `'common'` for any account, `'organizations'` for work and school accounts,
   * `'consumers'` for personal ones.
   */
  tenant: string
  /** The IDs of the tenants whose users may sign in, enforced by the verified claim `tid`. Default is any of `tenant`. */
  tenants?: readonly string[]
  /** The URL of a national cloud. Default is `'https://login.microsoftonline.com'`. */
  authority?: string
}

/** The tenant of all personal accounts. */
const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad'

const isId = (value: unknown): value is string =>
  typeof value === 'string' && /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i.test(value)

const tenant: Check = (value) =>
  isId(value) || ['common', 'organizations', 'consumers'].includes(value as string)
    ? undefined
    : "must be the tenant's ID, such as 8eaef023-2b34-4da1-9baa-8bc8c9d6a490, not its domain; or common, organizations or consumers"

const tenants: Check = (value) =>
  Array.isArray(value) && value.length > 0 && value.every(isId)
    ? undefined
    : 'must be an array of tenant IDs, such as 8eaef023-2b34-4da1-9baa-8bc8c9d6a490'

/**
 * Signs users in with Microsoft Entra ID, or a personal Microsoft account.
 *
 * The claim `iss` names the tenant of the user. `email` is unverified, and may be changed by the user's administrator:
 * never find an account by it.
 *
 * @see [Claims validation](https://learn.microsoft.com/entra/identity-platform/claims-validation)
 *
 * @example
 * ```ts
 * microsoft({ clientId, clientSecret, tenant: 'organizations' })
 * ```
 */
export const microsoft = /* @__PURE__ */ openIdPreset<MicrosoftOptions>(() => ({
  id: 'microsoft',
  displayName: 'Microsoft',
  brand: brands.microsoft,
  issuer: 'https://login.microsoftonline.com/{tenant}/v2.0',
  clientAuth: 'client_secret_post',
  scope: 'openid profile email',
  claims: { email_verified: ['xms_edov', 'email_verified'] },
  own: {
    tenant: { check: tenant, missing: "write your tenant's ID, or 'common' for any Microsoft account" },
    tenants: { check: tenants },
    authority: { check: instanceUrl },
  },
  options({ tenant, authority = 'https://login.microsoftonline.com' }) {
    if (tenant !== 'common' && tenant !== 'organizations') {
      return { issuer: `${authority}/${tenant === 'consumers' ? CONSUMERS : tenant.toLowerCase()}/v2.0` }
    }
    return {
      issuer: `${authority}/{tenantid}/v2.0`,
      metadataUrl: `${authority}/${tenant}/v2.0/.well-known/openid-configuration`,
    }
  },
  admit({ tid }, { tenant, tenants }) {
    // `iss` proves that the tenant is `tid`.
    if (isId(tid)) {
      const isPersonal = tid.toLowerCase() === CONSUMERS
      const isListed = tenants === undefined || tenants.some((id) => id.toLowerCase() === tid.toLowerCase())
      if (isListed && !(isPersonal && tenant === 'organizations')) return
    } else if (tenant !== 'common' && tenant !== 'organizations' && tenants === undefined) return
    throw new LoginRefusedError('This Microsoft account does not belong to an organization that may sign in here.')
  },
}))
