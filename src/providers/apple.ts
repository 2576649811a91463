import { type Check, string } from '../lib/check.js'
import { isObject, parseObject } from '../lib/json.js'
import type { ProfileContext } from '../provider/profile.js'
import { appleSecret } from './appleSecret.js'
import * as brands from './table/brands.js'
import { mapClaims } from './table/mapClaims.js'
import { openIdPreset } from './table/preset.js'

/** Options that only {@link apple} has. */
export interface AppleOptions {
  /** The Team ID of the developer account: ten letters and digits. */
  teamId: string
  /** The Key ID of the private key: ten letters and digits. */
  keyId: string
  /** The private key for Sign in with Apple: the contents of the `.p8` file. Client secrets are made from it. */
  privateKey: string
}

const ISSUER = 'https://appleid.apple.com'

const identifier: Check = (value) =>
  string(value) ?? (/^[A-Z\d]{10}$/.test(value as string) ? undefined : 'must be ten capital letters and digits')

/**
 * Signs users in with Apple.
 *
 * `clientId` is the Services ID. The client secret is made from the private key, and again before it expires. Apple sends
 * the user's name at their first login only, and unsigned: it is what the user wants to be called, and proves nothing.
 *
 * @see [Sign in with Apple REST API](https://developer.apple.com/documentation/signinwithapplerestapi)
 *
 * @example
 * ```ts
 * apple({ clientId, teamId: 'A1B2C3D4E5', keyId: 'F6G7H8I9J0', privateKey: process.env.APPLE_KEY ?? '' })
 * ```
 */
export const apple = /* @__PURE__ */ openIdPreset<AppleOptions>(() => ({
  id: 'apple',
  displayName: 'Apple',
  brand: brands.apple,
  issuer: ISSUER,
  // In June 2025, Apple's metadata had another issuer than its ID tokens for days.
  metadata: {
    issuer: ISSUER,
    authorization_endpoint: 'https://appleid.apple.com/auth/authorize',
    token_endpoint: 'https://appleid.apple.com/auth/token',
    revocation_endpoint: 'https://appleid.apple.com/auth/revoke',
    jwks_uri: 'https://appleid.apple.com/auth/keys',
  },
  clientAuth: 'client_secret_post',
  // Apple requires it for name and address.
  responseMode: 'form_post',
  scope: 'openid name email',
  // Revoking a token ends the user's consent.
  revokeOnLogout: false,
  own: {
    teamId: { check: identifier, missing: 'write the Team ID of your developer account' },
    keyId: { check: identifier, missing: 'write the Key ID of the private key' },
    privateKey: { check: string, missing: 'write the contents of the .p8 file' },
  },
  options: ({ clientId, clientSecret, issuer = ISSUER, teamId, keyId, privateKey }) => ({
    clientSecret: clientSecret ?? appleSecret({ clientId, teamId, keyId, privateKey, audience: issuer }),
  }),
  profile: ({ claims, parameters }) => ({
    claims: {
      ...nameIn(parameters),
      ...mapClaims({ email_verified: 'email_verified' }, claims),
      is_private_email: claims.is_private_email === true || claims.is_private_email === 'true',
    },
  }),
}))

/** The longest accepted `user` parameter, and name in it. In characters. */
const MAX_USER = 4096
const MAX_NAME = 200

/** Reads the name in the parameter `user`, which anyone can write. The address in it is ignored: the ID token has it. */
function nameIn({ user = '' }: ProfileContext['parameters']): Record<string, string> {
  const { name } = (user.length <= MAX_USER ? parseObject(user) : undefined) ?? {}
  if (!isObject(name)) return {}
  const part = (value: unknown) => (typeof value === 'string' ? value.trim().slice(0, MAX_NAME) : '')
  const [given, family] = [part(name.firstName), part(name.lastName)]
  const full = [given, family].filter(Boolean).join(' ')
  return Object.fromEntries(
    Object.entries({ name: full, given_name: given, family_name: family }).filter(([, value]) => value !== ''),
  )
}
