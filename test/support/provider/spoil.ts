import type { ProviderKey, ProviderKeys } from './providerKeys.js'
import type { Changes, Reply } from './providerReplies.js'

export type Endpoint = 'discovery' | 'jwks' | 'authorization' | 'token' | 'userinfo' | 'end_session'

/** What is wrong with a signed JWT. */
export interface JwtSpoil {
  readonly header?: Changes
  /** Returns the key it is signed with. */
  readonly key?: (keys: ProviderKeys) => ProviderKey
  /** Returns the text to sign instead of the claims as JSON. */
  readonly payload?: (usual: string) => string
  /** Alters the finished token. */
  readonly jwt?: (usual: string) => string
}

/** What a provider does wrong. The members of {@link JwtSpoil} are about the ID token. */
export interface Spoil extends JwtSpoil {
  readonly metadata?: Changes
  /** Returns the published keys. */
  readonly jwks?: (keys: ProviderKeys) => readonly unknown[]
  /** Parameters of the authorization response; an array repeats one. */
  readonly authorization?: Changes
  readonly claims?: Changes
  readonly tokens?: Changes
  readonly userInfo?: Changes
  readonly userInfoJwt?: JwtSpoil
  /** Parameters of the return from logout. */
  readonly loggedOut?: Changes
  /** Answers in place of an endpoint. */
  readonly reply?: Partial<Record<Endpoint, (usual: Reply) => Partial<Reply>>>
}
