import type { X509Certificate } from 'node:crypto'
import type { Request } from 'express'
import type { Claims } from '../auth.js'
import type { HttpOptions } from '../lib/http/httpOptions.js'
import type { AuthStore } from '../records/authStore.js'
import type { IssuerResolver, TrustedIssuerOption } from './token/issuers.js'

/** Options of the cache of verified JWTs. */
export interface TokenCacheOptions {
  /**
   * How long a JWT that passed is not verified again. In seconds. Default is `60`, limit `3600`; `0` switches the cache off.
   * It does not apply to introspected tokens: see {@link IntrospectionOptions.revocationDelay}.
   */
  ttl?: number
  /** The most tokens held. Default is `5000`, limit `1000000`. */
  max?: number
}

/** Options of DPoP: tokens that are bound to a key, which the client proves to hold at each request. */
export interface DPoPOptions {
  /** Refuses tokens that are not bound to a key. Default is `false`: bound tokens and plain ones. */
  required?: boolean
  /** The signature algorithms of proofs. Default is all of public keys. */
  algorithms?: readonly string[]
  /** The greatest age of a proof. In seconds. Default is `60`. */
  maxAge?: number
  /**
   * Requires a nonce of this server in each proof, which bounds how long before its use one can have been made. At least 32
   * random characters, the same in all processes. Pass several to rotate: the first issues, all are accepted. Default is
   * none: no nonces.
   */
  nonceSecret?: string | readonly string[]
  /** After how long a new nonce is given; the one before is accepted as long again. In seconds. Default is `300`. */
  nonceLifetime?: number
  /**
   * Remembers which proofs were used, for several processes: `redisStore` or `postgresStore`. Default is this process's
   * memory, up to 100,000 proofs.
   */
  store?: AuthStore
}

/** Options of introspection: asking the issuer about tokens that say nothing themselves. */
export interface IntrospectionOptions {
  /** The client identifier of this API at the authorization server. */
  clientId: string
  clientSecret: string
  /** How this API authenticates. Default is `'client_secret_basic'`. */
  clientAuth?: 'client_secret_basic' | 'client_secret_post'
  /** Whose tokens they are. Default is the one issuer; needed where there are several. */
  issuer?: string
  /** The endpoint. Default is `introspection_endpoint` of the issuer's metadata. */
  endpoint?: string
  /** Which tokens to ask about: those that are no JWTs, or all. Default is `'opaque'`. */
  tokens?: 'opaque' | 'all'
  /**
   * How long a revocation may go unnoticed: an active token is accepted for this long, though never beyond its `exp`,
   * before the issuer is asked about it again. In seconds. Default is `0`, limit `3600`: the issuer is asked at each
   * request, and requests at the same time share one answer.
   */
  revocationDelay?: number
  /** Asks for a signed answer and takes no other (RFC 9701). Default is `false`. */
  signedResponse?: boolean
  /**
   * Accepts answers without `aud`: then any active token of the issuer is good for this API, unless its scopes say
   * otherwise. Default is `false`.
   */
  allowMissingAudience?: boolean
}

/** Options of {@link resourceServer}. */
export interface ResourceServerOptions {
  /**
   * Whose access tokens are accepted: one issuer, several, or a function that knows them. The keys come from the
   * issuer's metadata; nothing that a token says is fetched.
   */
  issuer: TrustedIssuerOption | readonly TrustedIssuerOption[] | IssuerResolver
  /** The names of this API: `aud` must hold one. Default is `resource`; one of the two is needed. */
  audience?: string | readonly string[]
  /**
   * The URL where clients reach this API: an `https` URL without query and fragment. Challenges then point at its
   * metadata, which `protectedResourceMetadata` serves, and DPoP proofs are judged by its origin.
   */
  resource?: string
  /**
   * The signature algorithms accepted. Default is those of public keys: `RS256`, `PS256`, `ES256`, `EdDSA` ….
   */
  algorithms?: readonly string[]
  /**
   * What `typ` must be. `'at+jwt'`: just that (RFC 9068). Default is `'tolerant'`: `JWT` or nothing too, if the claims are
   * those of an access token. An ID token is refused either way.
   */
  typ?: 'at+jwt' | 'tolerant'
  /** How far clocks may differ. In seconds. Default is `5`, limit `300`. */
  clockTolerance?: number
  /** The greatest age of a token, by `iat`. In seconds. Default is none. */
  maxTokenAge?: number
  /**
   * Lets requests without a token through as anonymous; the guards then decide. A token that is not valid is refused all
   * the same. Default is `false`.
   */
  optional?: boolean
  /**
   * Accepts a session too: a request without a token counts as the user that `relyingParty`, mounted before, has signed
   * in. Cross-site requests by such a session are refused unless they are safe (GET, HEAD, OPTIONS). Default is `false`.
   */
  acceptSession?: boolean
  /**
   * The claims that hold the scopes, or a function that reads them from verified claims and returns a list. Default is
   * `['scope', 'scp']`. Auth0's role-based access control has `'permissions'`.
   */
  scopes?: string | readonly string[] | ((claims: Claims) => readonly string[])
  /**
   * Checks whether a granted scope stands for the one that a route needs, beside being the same: for hierarchies, such as
   * `reports:*` for `reports:read`.
   */
  scopeImplies?: (granted: string, needed: string) => boolean
  /** Judges the verified claims at each request. Anything but `true` refuses the token; what it throws goes to `next`. */
  validate?: (claims: Claims, req: Request) => boolean | Promise<boolean>
  /** Checks at each request whether a valid token was revoked. Anything but `false` refuses it. */
  isRevoked?: (claims: Claims, req: Request) => boolean | Promise<boolean>
  /**
   * Whether a POST, PUT or PATCH may bring the token as `access_token` in a form body, which a body parser has read
   * before. Default is `false`: only the `Authorization` header. A token in the query is never read.
   *
   * @see [RFC 6750 §2.2](https://www.rfc-editor.org/rfc/rfc6750#section-2.2)
   */
  allowBodyToken?: boolean
  /** Accepts opaque tokens too, by asking the issuer about them at each request. */
  introspection?: IntrospectionOptions
  /** Accepts tokens by the `DPoP` scheme. Needs `resource`. Default is `false`: bound tokens are refused. */
  dpop?: boolean | DPoPOptions
  /**
   * Returns the client's certificate, in PEM or DER, for tokens that are bound to one. Default is that of the TLS
   * connection. Behind a proxy that ends TLS, read the header it sets, and only if no client can set it.
   */
  clientCertificate?: (req: Request) => X509Certificate | string | Buffer | undefined
  cache?: TokenCacheOptions
  http?: HttpOptions
  /** Allows `http` issuers on a non-loopback host. Anyone on the way can make tokens then. */
  allowInsecureHttp?: boolean
}
