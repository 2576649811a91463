/** Parameters of a challenge, as named in RFC 6750 §3, RFC 9470 §3, RFC 9728 §5.1 and RFC 9449 §7.1. */
export interface ChallengeParameters {
  readonly error?: string
  readonly scope?: string
  readonly acr_values?: string
  readonly max_age?: string
  readonly resource_metadata?: string
  readonly algs?: string
}

/**
 * Builds one challenge of a `WWW-Authenticate` header.
 *
 * @see [RFC 9110 §11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1)
 */
export function buildChallenge(scheme: 'Bearer' | 'DPoP', parameters: ChallengeParameters): string {
  const pairs = Object.entries(parameters).flatMap(([name, value]: [string, string | undefined]) =>
    value === undefined ? [] : [`${name}="${value.replace(/["\\]/g, '\\$&')}"`],
  )
  return pairs.length === 0 ? scheme : `${scheme} ${pairs.join(', ')}`
}
