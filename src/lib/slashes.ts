/** Removes trailing slashes from a path. A regular expression would take quadratic time. */
export function withoutTrailingSlashes(path: string): string {
  let end = path.length
  while (path.charAt(end - 1) === '/') end -= 1
  return path.slice(0, end)
}
