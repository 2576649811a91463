const told = new Set<string>()

/**
 * Warns whoever runs the application, once in the life of the process, as Node's own warnings are given.
 *
 * @param code - a stable name, such as `RP_MEMORY_STORE`
 */
export function warnOnce(code: string, message: string): void {
  if (told.has(code)) return
  told.add(code)
  process.emitWarning(message, { type: 'ExpressRelyingPartyWarning', code })
}
