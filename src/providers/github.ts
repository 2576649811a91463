import { RelyingPartyError } from '../errors.js'
import type { ProfileContext } from '../provider/profile.js'
import * as brands from './table/brands.js'
import { instanceUrl } from './table/checks.js'
import { oauth2Preset } from './table/preset.js'

/** Options that only {@link github} has. */
export interface GitHubOptions {
  /** The URL of GitHub Enterprise Server, or of Enterprise Cloud at `ghe.com`. Default is `'https://github.com'`. */
  baseUrl?: string
}

/**
 * Signs users in with GitHub, or GitHub Enterprise.
 *
 * `email` is the primary address, and `email_verified` whether GitHub has verified it. An OAuth app and a GitHub App both
 * work.
 *
 * @example
 * ```ts
 * github({ clientId, clientSecret })
 * ```
 */
export const github = /* @__PURE__ */ oauth2Preset<GitHubOptions>(() => ({
  id: 'github',
  displayName: 'GitHub',
  brand: brands.github,
  issuer: 'https://github.com/login/oauth',
  authorizationEndpoint: 'https://github.com/login/oauth/authorize',
  tokenEndpoint: 'https://github.com/login/oauth/access_token',
  userInfoEndpoint: 'https://api.github.com/user',
  clientAuth: 'client_secret_post',
  scope: 'read:user user:email',
  claims: {
    sub: 'id',
    name: ['name', 'login'],
    preferred_username: 'login',
    email: ['primary.email', 'email'],
    email_verified: 'primary.verified',
    picture: 'avatar_url',
  },
  own: { baseUrl: { check: instanceUrl } },
  options({ baseUrl = 'https://github.com' }) {
    if (baseUrl === 'https://github.com') return {}
    return {
      issuer: `${baseUrl}/login/oauth`,
      authorizationEndpoint: `${baseUrl}/login/oauth/authorize`,
      tokenEndpoint: `${baseUrl}/login/oauth/access_token`,
      userInfoEndpoint: `${apiOf(baseUrl)}/user`,
    }
  },
  async answer({ fetchJson }, userInfoEndpoint) {
    const [user, emails] = await Promise.all([
      fetchJson<object>(userInfoEndpoint),
      fetchEmails(fetchJson, `${userInfoEndpoint}/emails`),
    ])
    return { ...user, emails, primary: emails.find((email) => email?.primary === true) }
  },
}))

/** Enterprise Cloud with data residency has a host for its API, Enterprise Server a path. */
function apiOf(baseUrl: string): string {
  const { protocol, host, hostname } = new URL(baseUrl)
  return hostname.endsWith('.ghe.com') ? `${protocol}//api.${host}` : `${baseUrl}/api/v3`
}

interface Email {
  readonly email: string
  readonly primary: boolean
  readonly verified: boolean
}

/** Without the scope `user:email`, or the permission of a GitHub App, there are none. */
async function fetchEmails(
  fetchJson: ProfileContext['fetchJson'],
  url: string,
): Promise<readonly (Email | undefined)[]> {
  try {
    const emails = await fetchJson(url)
    return Array.isArray(emails) ? (emails as (Email | undefined)[]) : []
  } catch (error) {
    if (error instanceof RelyingPartyError && error.code === 'ERR_USERINFO_INVALID') return []
    throw error
  }
}
