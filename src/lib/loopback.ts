/** Checks whether the host of a URL is loopback: `localhost`, `127.0.0.0/8` or `[::1]`. */
export function isLoopback(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(url.hostname)
}
