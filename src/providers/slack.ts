import { LoginRefusedError } from '../errors.js'
import * as brands from './table/brands.js'
import { segment } from './table/checks.js'
import { openIdPreset } from './table/preset.js'

/** Options that only {@link slack} has. */
export interface SlackOptions {
  /** The ID of the workspace whose members may sign in, enforced by a verified claim. Default is any workspace. */
  team?: string
}

/**
 * Signs users in with Slack. The claims `https://slack.com/user_id` and `https://slack.com/team_id` identify the user and the
 * workspace in Slack's API.
 *
 * PKCE is off: switching it on in the settings of a Slack app makes it a public client for good. Then set
 * `pkce: 'required'` and `clientAuth: 'none'`.
 *
 * @see [Using PKCE](https://docs.slack.dev/authentication/using-pkce)
 *
 * @example
 * ```ts
 * slack({ clientId, clientSecret, team: 'T0123456789' })
 * ```
 */
export const slack = /* @__PURE__ */ openIdPreset<SlackOptions>(() => ({
  id: 'slack',
  displayName: 'Slack',
  brand: brands.slack,
  issuer: 'https://slack.com',
  clientAuth: 'client_secret_post',
  pkce: 'refused',
  scope: 'openid profile email',
  authorizationParams: { team: '{team}' },
  own: { team: { check: segment } },
  admit(claims, { team }) {
    // The parameter team only preselects a workspace: users can change it.
    if (team === undefined || claims['https://slack.com/team_id'] === team) return
    throw new LoginRefusedError('This Slack account does not belong to the workspace that may sign in here.')
  },
}))
