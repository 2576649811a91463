import type { ErrorCode } from './errors.js'

interface EventBase {
  /** In milliseconds since the epoch. */
  readonly time: number
}

interface LoginEvent extends EventBase {
  /** The provider's name. */
  readonly provider: string
  /** Identifies this login. Not a secret: the state cannot be derived from it. */
  readonly transaction: string
}

interface SessionEvent extends EventBase {
  /** The provider's name. */
  readonly provider: string
  readonly subject: string
}

/**
 * Describes one step of a login or session, for `onEvent`. `type` identifies the step. No event contains a token, a code,
 * a state or any other secret.
 */
export type RelyingPartyEvent =
  | (LoginEvent & {
      /** The user is sent to the provider. */
      readonly type: 'login.started'
      readonly issuer: string
      readonly scope: string
      readonly responseMode: 'query' | 'form_post'
      /** Where the user goes after login, without query and fragment. */
      readonly returnTo: string
    })
  | (LoginEvent & {
      /** A device shows its code, for a user to approve elsewhere. */
      readonly type: 'device.started'
      readonly issuer: string
      readonly scope: string
      /** Where the user goes after login, without query and fragment. */
      readonly returnTo: string
    })
  | (LoginEvent & {
      /** The browser delivered the provider's response, which is not verified yet. */
      readonly type: 'login.response'
      readonly via: 'GET' | 'POST'
      readonly hasCode: boolean
    })
  | (LoginEvent & {
      /** The token endpoint issued tokens. Their form is checked, their contents are not. */
      readonly type: 'login.tokens'
      readonly tokenType: string
      readonly scope: string
      /** In seconds. */
      readonly expiresIn: number | undefined
      readonly hasRefreshToken: boolean
      readonly hasIdToken: boolean
    })
  | (LoginEvent & {
      /** The ID token passed every check, or an OAuth 2.0 provider said who the user is. */
      readonly type: 'login.verified'
      readonly subject: string
      /** The signature algorithm of the ID token, if there is one. */
      readonly alg?: string
      /** What was checked. */
      readonly checks: readonly string[]
    })
  | (LoginEvent & {
      /** The user is signed in, under a new session ID. */
      readonly type: 'session.opened'
      readonly subject: string
    })
  | (EventBase & {
      /** A login failed. The session is as it was. */
      readonly type: 'login.refused'
      readonly provider: string | undefined
      readonly transaction: string | undefined
      readonly code: ErrorCode | undefined
    })
  | (SessionEvent & {
      /** The tokens were refreshed and stored. */
      readonly type: 'session.refreshed'
      readonly scope: string
      /** How long it waited for its turn and for the lock, before the refresh token was sent. In milliseconds. */
      readonly waited: number
      /** From sending the refresh token until the new tokens were stored. In milliseconds. */
      readonly duration: number
    })
  | (SessionEvent & {
      /** A refresh failed because of the provider or the store. The session stays. */
      readonly type: 'session.refresh_failed'
      readonly code: ErrorCode
      /** How long it waited for its turn and for the lock. In milliseconds. */
      readonly waited: number
      /** From sending the refresh token until the failure; `0` if it was not sent. In milliseconds. */
      readonly duration: number
    })
  | (SessionEvent & {
      /** `onRefresh` failed or took too long, so that the session has its new tokens, but the claims it had. */
      readonly type: 'session.claims_failed'
      /** What it threw. */
      readonly error: unknown
    })
  | (SessionEvent & {
      /**
       * The session has ended. `unreadable`: its tokens were sealed with a secret that is no longer configured.
       * `login_refused`: by `onRefresh`. `ended`: by `endSession()`. `limit`: the user had more than `session.maxPerSubject`.
       */
      readonly type: 'session.ended'
      readonly reason:
        | 'logout'
        | 'refresh_refused'
        | 'login_refused'
        | 'replaced'
        | 'backchannel_logout'
        | 'frontchannel_logout'
        | 'unreadable'
        | 'ended'
        | 'limit'
    })
  | (SessionEvent & {
      /**
       * All sessions of the subject at this provider have ended, or with `withoutSid` some of them. `others`: all but that of
       * the request.
       */
      readonly type: 'sessions.ended'
      readonly reason: 'backchannel_logout' | 'everywhere' | 'others' | 'security_event'
      /** Set if only the sessions whose ID token had no `sid` ended. There may have been none. */
      readonly withoutSid?: true
    })
  | (SessionEvent & {
      /** The refresh token was revoked after a logout. */
      readonly type: 'token.revoked'
    })
  | (SessionEvent & {
      /** The refresh token could not be revoked after a logout. The logout is complete regardless. */
      readonly type: 'token.revocation_failed'
      readonly code: ErrorCode | undefined
    })
  | (EventBase & {
      /** A route refused a request. */
      readonly type: 'access.refused'
      readonly code: ErrorCode
      /** The missing scopes, if they were the reason. Otherwise empty. */
      readonly missing: readonly string[]
    })
  | (EventBase & {
      /** The store of token records failed, or took longer than its time limit. The reason is the `cause` of the error. */
      readonly type: 'store.failed'
      readonly operation: 'get' | 'getMany' | 'set' | 'add' | 'replace' | 'remove'
      /** In milliseconds. */
      readonly duration: number
    })
  | (EventBase & {
      /** The provider's metadata was fetched. */
      readonly type: 'provider.discovered'
      readonly issuer: string
    })
  | (EventBase & {
      /** A provider's keys were fetched. */
      readonly type: 'keys.fetched'
      readonly jwksUri: string
      readonly count: number
    })

type WithoutTime<E> = E extends RelyingPartyEvent ? Omit<E, 'time'> : never

/** An event before its `time` is added. */
export type NewEvent = WithoutTime<RelyingPartyEvent>
