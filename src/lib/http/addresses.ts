import { lookup } from 'node:dns'
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net'

/** Special-purpose IPv4 blocks (RFC 6890): private, loopback, link-local, carrier-grade NAT, documentation, multicast … */
const SPECIAL_IPV4: readonly [network: string, prefix: number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]

/** Special-purpose blocks within 2000::/3: Teredo and other protocol assignments, documentation, 6to4. */
const SPECIAL_IPV6: readonly [network: string, prefix: number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const special = new BlockList()
for (const [network, prefix] of SPECIAL_IPV4) special.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of SPECIAL_IPV6) special.addSubnet(network, prefix, 'ipv6')

/** A host has an address that is not public. */
export class PrivateAddressError extends Error {
  constructor(host: string) {
    super(`${host} has a private, loopback, link-local or otherwise special address`)
  }
}

/** Checks whether an IP address is on the public internet. An IPv4 address embedded in IPv6 is checked as IPv4. */
export function isPublicAddress(address: string): boolean {
  if (!isIPv6(address)) return isIP(address) === 4 && !special.check(address, 'ipv4')
  const words = wordsOf(address)
  if (!words) return false
  const [first = 0, second = 0] = words
  const [seventh = 0, eighth = 0] = words.slice(6)
  const isMapped = words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff
  // A NAT64 gateway (RFC 6052) connects to the embedded IPv4 address.
  const isTranslated = first === 0x64 && second === 0xff9b && words.slice(2, 6).every((word) => word === 0)
  if (isMapped || isTranslated) {
    return isPublicAddress([seventh >> 8, seventh & 255, eighth >> 8, eighth & 255].join('.'))
  }
  // Global unicast is 2000::/3; loopback, link-local, unique-local and multicast addresses are outside it.
  return (first & 0xe000) === 0x2000 && !special.check(address, 'ipv6')
}

function wordsOf(address: string): number[] | undefined {
  const [plain = ''] = address.split('%', 1)
  if (!URL.canParse(`http://[${plain}]`)) return undefined
  const [head = '', tail] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split('::')
  const words = (part: string) => (part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16)))
  const [before, after] = [words(head), words(tail ?? '')]
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after]
}

/** @throws {PrivateAddressError} If the host of a URL is an IP address that is not public. Host names are not looked up. */
export function assertPublicHost({ hostname }: URL): void {
  const host = hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw new PrivateAddressError(host)
}

/**
 * Creates a `lookup` for sockets that fails if any address of a host is not public.
 *
 * The socket connects to the address that was checked, so DNS rebinding does not help an attacker.
 */
export function createPublicLookup(resolve: typeof lookup = lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, [])
      const [first] = addresses
      if (!first || !addresses.every(({ address }) => isPublicAddress(address))) {
        return callback(new PrivateAddressError(hostname), [])
      }
      return options.all ? callback(null, addresses) : callback(null, first.address, first.family)
    })
  }
}
