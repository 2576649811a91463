/** The longest quotation. In characters. */
const MAX_LENGTH = 200

/**
 * Quotes an untrusted value for a log: as JSON, shortened and in printable ASCII, so that it can neither flood the log
 * nor forge lines.
 */
export function quote(value: unknown): string {
  const short = typeof value === 'string' ? value.slice(0, MAX_LENGTH) : value
  const json = toJson(short)
  const text = json.length > MAX_LENGTH ? `${json.slice(0, MAX_LENGTH)}…` : json
  return text.replace(/[^\x20-\x7e…]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A value that is nested too deep for the stack is not shown. */
function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return '…'
  }
}
