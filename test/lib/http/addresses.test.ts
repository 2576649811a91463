import type { LookupAddress, lookup } from 'node:dns'
import { describe, expect, it } from 'vitest'
import {
  assertPublicHost,
  createPublicLookup,
  isPublicAddress,
  PrivateAddressError,
} from '../../../src/lib/http/addresses.js'
import { createFetch } from '../../../src/lib/http/fetch.js'
import { listen } from '../../support/bed/app.js'

const SPECIAL = [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.0.9',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.8',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:a9fe:a9fe',
  '::ffff:10.0.0.1',
  '::127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b::10.0.0.1',
  '64:ff9b:1::1',
  'fe80::1',
  'fe80::1%lo',
  'fec0::1',
  'fc00::1',
  'fd12:3456::1',
  'ff02::1',
  '100::1',
  '2001:db8::1',
  '2001::1',
  '2002:7f00:1::',
  'no address',
  '',
]

const PUBLIC = ['1.1.1.1', '8.8.8.8', '100.63.0.1', '100.128.0.1', '172.15.0.1', '172.32.0.1', '192.167.1.1']
const PUBLIC_6 = ['2606:4700:4700::1111', '2a00:1450:4001:80e::200e', '::ffff:8.8.8.8', '64:ff9b::808:808']

describe('isPublicAddress', () => {
  it.each(SPECIAL)('is false for %j', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  it.each([...PUBLIC, ...PUBLIC_6])('is true for %s', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })
})

describe('assertPublicHost', () => {
  it.each([
    'https://127.0.0.1',
    'https://2130706433',
    'https://0x7f.1',
    'https://[::1]',
    'https://[::ffff:10.0.0.1]:8443',
  ])('refuses %s', (url) => {
    expect(() => assertPublicHost(new URL(url))).toThrow(PrivateAddressError)
  })

  it.each(['https://8.8.8.8', 'https://[2606:4700:4700::1111]', 'https://localhost'])(
    'leaves %s to the lookup',
    (url) => {
      expect(() => assertPublicHost(new URL(url))).not.toThrow()
    },
  )
})

/** A `lookup` with a different answer each time. */
function lookUp(answers: string[][]) {
  const resolve = ((_host: string, _options: object, callback: (error: null, found: LookupAddress[]) => void) => {
    const found = (answers.shift() ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    callback(null, found)
  }) as unknown as typeof lookup
  const guarded = createPublicLookup(resolve)
  return (all: boolean) =>
    new Promise((done, fail) => {
      guarded('issuer.example', { all }, (error, address) => (error ? fail(error) : done(address)))
    })
}

describe('the lookup of a socket', () => {
  it('returns public addresses, one or all', async () => {
    const look = lookUp([['8.8.8.8'], ['8.8.8.8', '2606:4700:4700::1111']])
    expect(await look(false)).toBe('8.8.8.8')
    expect(await look(true)).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700:4700::1111', family: 6 },
    ])
  })

  it.each([[['10.0.0.1']], [['8.8.8.8', '127.0.0.1']], [['8.8.8.8', '::1']], [[]]])('refuses %j', async (found) => {
    await expect(lookUp([found])(true)).rejects.toThrow(PrivateAddressError)
    await expect(lookUp([found])(false)).rejects.toThrow(PrivateAddressError)
  })

  it('checks each connection, so that a name that resolves to another address later is refused', async () => {
    const look = lookUp([['8.8.8.8'], ['169.254.169.254']])
    expect(await look(true)).toHaveLength(1)
    await expect(look(true)).rejects.toThrow(PrivateAddressError)
  })
})

describe('http.refusePrivateAddresses', () => {
  const GET = { method: 'GET', headers: {}, body: undefined, redirect: 'manual' } as const
  const limits = { timeout: 5, maxResponseSize: 1024 }

  it.each(['127.0.0.1', 'localhost'])('refuses requests to %s, which succeed without it', async (host) => {
    let requests = 0
    const running = await listen((_req, res) => {
      requests += 1
      res.end('{}')
    })
    try {
      const url = running.url.replace('127.0.0.1', host)
      const refused = createFetch({ ...limits, refusePrivateAddresses: true })(url, GET)
      await expect(refused).rejects.toMatchObject({
        code: 'ERR_METADATA_INVALID',
        message: expect.not.stringContaining('refusePrivateAddresses'),
        hint: expect.stringContaining('http.refusePrivateAddresses'),
      })
      expect(requests).toBe(0)
      expect((await createFetch(limits)(url, GET)).status).toBe(200)
    } finally {
      await running.close()
    }
  })
})
