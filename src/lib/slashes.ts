/** Takes the slashes off the end of a path. A regular expression for it takes quadratic time. */
export function withoutTrailingSlashes(path: string): string {
  let end = path.length
  while (path.charAt(end - 1) === '/') end -= 1
  return path.slice(0, end)
}
