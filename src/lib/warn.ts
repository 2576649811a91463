const warned = new Set<string>()

/**
 * Emits a process warning, once per process and code.
 *
 * @param code - a stable name, such as `RP_MEMORY_STORE`
 */
export function warnOnce(code: string, message: string): void {
  if (warned.has(code)) return
  warned.add(code)
  process.emitWarning(message, { type: 'ExpressRelyingPartyWarning', code })
}
