import { string } from '../lib/check.js'

/** Accepts a client secret, or a function that returns it. */
export function checkClientSecret(value: unknown): string | undefined {
  return typeof value === 'function' ? undefined : string(value)
}

/** Accepts a URL with `/.well-known/` in its path, which discovery uses as it is. */
export function checkMetadataUrl(value: unknown): string | undefined {
  const isUrl = typeof value === 'string' && URL.canParse(value)
  return isUrl && new URL(value).pathname.includes('/.well-known/')
    ? undefined
    : 'must be the full URL of the metadata, with /.well-known/ in its path'
}
