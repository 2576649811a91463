import type { X509Certificate } from 'node:crypto'
import type { Request } from 'express'
import type { Claims } from '../auth.js'
import type { HttpOptions } from '../lib/http/httpOptions.js'
import type { AuthStore } from '../records/authStore.js'
import type { IssuerResolver, TrustedIssuerOption } from './token/issuers.js'

/** Options of the cache of verified JWTs. */
export interface TokenCacheOptions {
  /**
   * How long a verified JWT is not verified again. In seconds. Default is `60`, limit `3600`; `0` disables the cache. Does
   * not apply to introspected tokens: see {@link IntrospectionOptions.revocationDelay}.
   */
  ttl?: number
  /** The maximum number of cached tokens. Default is `5000`, limit `1000000`. */
  max?: number
}

/** Options of DPoP: tokens bound to a key that the client proves it holds with each request. */
export interface DPoPOptions {
  /** Whether to refuse tokens that are not bound to a key. Default is `false`: accepts both kinds. */
  required?: boolean
  /** The accepted signature algorithms of proofs. Default is every public-key algorithm. */
  algorithms?: readonly string[]
  /** The maximum age of a proof. In seconds. Default is `60`, limit `3600`. */
  maxAge?: number
  /**
   * The secret for nonces, which each proof must then contain: clients cannot create proofs long before they use them. At
   * least 32 random characters, the same in all processes. Pass several to rotate: the first issues nonces, all are
   * accepted. Default is none: no nonces.
   */
  nonceSecret?: string | readonly string[]
  /**
   * How long a nonce is issued before the next one replaces it; it is accepted for as long again. In seconds. Default is
   * `300`, limit `86400`.
   */
  nonceLifetime?: number
  /**
   * The store of used proofs, shared by several processes: `redisStore` or `postgresStore`. Default is the memory of this
   * process, for up to 100,000 proofs.
   */
  store?: AuthStore
}

/** Options of introspection: asking the issuer about opaque tokens. */
export interface IntrospectionOptions {
  /** The client identifier of this API at the authorization server. */
  clientId: string
  /** The client secret of this API at the authorization server. */
  clientSecret: string
  /** How this API authenticates to the endpoint. Default is `'client_secret_basic'`. */
  clientAuth?: 'client_secret_basic' | 'client_secret_post'
  /** The issuer of the introspected tokens. Default is the only issuer; required if there are several. */
  issuer?: string
  /** The URL of the endpoint. Default is `introspection_endpoint` from the issuer's metadata. */
  endpoint?: string
  /** The tokens to introspect: those that are not JWTs, or all. Default is `'opaque'`. */
  tokens?: 'opaque' | 'all'
  /**
   * How long a revocation may go unnoticed. An active token is accepted for this long, but never beyond its `exp`, before
   * it is introspected again. In seconds. Default is `0`, limit `3600`: every request introspects its token, and concurrent
   * requests share one response.
   */
  revocationDelay?: number
  /** Whether to require a signed response (RFC 9701). Default is `false`. */
  signedResponse?: boolean
  /**
   * Whether to accept responses without `aud`. Any active token of the issuer is then valid for this API, within its
   * scopes. Default is `false`.
   */
  allowMissingAudience?: boolean
}

/** Options of {@link resourceServer}. */
export interface ResourceServerOptions {
  /**
   * The trusted issuers of access tokens: one, several, or a function that looks them up. The keys come from the issuer's
   * metadata; no URL in a token is ever fetched.
   */
  issuer: TrustedIssuerOption | readonly TrustedIssuerOption[] | IssuerResolver
  /**
   * The names of this API, of which `aud` must include one. Default is `resource`; one of the two is required, or
   * `clientsWithoutAudience`.
   */
  audience?: string | readonly string[]
  /**
   * The clients, by `client_id`, whose tokens are accepted if they have no `aud`, as those of Amazon Cognito. Such a token is
   * valid at every API of the issuer. Default is none: a token without `aud` is refused.
   */
  clientsWithoutAudience?: string | readonly string[]
  /**
   * The URL where clients reach this API: an `https` URL without query and fragment. Challenges then point to its metadata,
   * which `protectedResourceMetadata` serves, and DPoP proofs must be for its origin.
   */
  resource?: string
  /**
   * The accepted signature algorithms. Default is every public-key algorithm: `RS256`, `PS256`, `ES256`, `EdDSA` ….
   */
  algorithms?: readonly string[]
  /**
   * The required `typ`. `'at+jwt'`: exactly that (RFC 9068). Default is `'tolerant'`: also accepts `JWT` or no `typ` if the
   * claims are those of an access token. Either way, an ID token is refused.
   */
  typ?: 'at+jwt' | 'tolerant'
  /** The clock skew to allow. In seconds. Default is `5`, limit `300`. */
  clockTolerance?: number
  /** The maximum age of a token, from its `iat`. In seconds. Default is none, limit `31536000`, one year. */
  maxTokenAge?: number
  /**
   * Whether requests without a token pass as anonymous; the guards then decide. An invalid token is still refused. Default
   * is `false`.
   */
  optional?: boolean
  /**
   * Whether to also accept a session. The caller of a request without a token is then the user signed in to `relyingParty`,
   * which must be mounted before. Cross-site requests with a session are refused unless their method is safe (GET, HEAD,
   * OPTIONS). Default is `false`.
   */
  acceptSession?: boolean
  /**
   * The claims that contain the scopes, or a function that returns a list of scopes for the verified claims. Default is
   * `['scope', 'scp']`. Auth0's role-based access control uses `'permissions'`.
   */
  scopes?: string | readonly string[] | ((claims: Claims) => readonly string[])
  /**
   * Checks whether a granted scope implies another one that a route requires, such as `reports:*` for `reports:read`. Default
   * is none: scopes must be equal.
   */
  scopeImplies?: (granted: string, needed: string) => boolean
  /** Checks the verified claims of each request. Anything but `true` refuses the token. Errors it throws go to `next`. */
  validate?: (claims: Claims, req: Request) => boolean | Promise<boolean>
  /** Checks for each request whether a valid token was revoked. Anything but `false` refuses the token. */
  isRevoked?: (claims: Claims, req: Request) => boolean | Promise<boolean>
  /**
   * Whether to accept the token as `access_token` in a form body, which a body parser must have read before. Default is
   * `false`: only the `Authorization` header. A token in the query is never accepted.
   *
   * @see [RFC 6750 §2.2](https://www.rfc-editor.org/rfc/rfc6750#section-2.2)
   */
  allowBodyToken?: boolean
  /** Accepts opaque tokens too, by introspection at their issuer. Default is none. */
  introspection?: IntrospectionOptions
  /** Accepts tokens with the `DPoP` scheme. Requires `resource`. Default is `false`: key-bound tokens are refused. */
  dpop?: boolean | DPoPOptions
  /**
   * Returns the client certificate, in PEM or DER, for tokens that are bound to one. Default is that of the TLS connection.
   * Behind a proxy that terminates TLS, read it from the header the proxy sets, but only if no client can set that header.
   */
  clientCertificate?: (req: Request) => X509Certificate | string | Buffer | undefined
  /** Options of the cache of verified JWTs. */
  cache?: TokenCacheOptions
  /** Options of requests to issuers. */
  http?: HttpOptions
  /** Allows `http` issuers on a non-loopback host. Anyone on the network path can then forge tokens. Default is `false`. */
  allowInsecureHttp?: boolean
}
