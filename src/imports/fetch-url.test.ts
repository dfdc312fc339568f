import { hash, randomFillSync } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { openFetcher, policyFor, someFile } from '../../test/support/fetcher.ts'
import { type Asked, startSourceServer } from '../../test/support/source-server.ts'
import { sizes } from '../domain/limits.ts'

const endings: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0)) await end()
})

const { mib } = sizes
const sha = (bytes: Uint8Array): string => hash('sha256', bytes).slice(0, 16)

async function serveFile(
  bytes: Uint8Array,
  behave?: (asked: Asked) => void,
  headers: Record<string, string> = {},
) {
  const server = await startSourceServer({ bytes, headers }, behave)
  endings.push(server.close)
  return server
}

describe('a file of a foreign host', () => {
  it('comes in ranges, bit by bit, and zeros are not stored', async () => {
    const file = someFile()
    const { origin, requests } = await serveFile(file)
    const { fetch, pages } = openFetcher()
    expect((await fetch(`${origin}/disk.vhd?sig=secret`, policyFor([origin]))).equals(file)).toBe(
      true,
    )
    expect(requests.length).toBe(7)
    const kept = pages().filter(({ key }) => key !== undefined)
    expect(kept.map(({ offsetBytes }) => offsetBytes / mib).sort((a, b) => a - b)).toEqual([
      0, 12, 16, 20,
    ])
  })

  it('comes by several requests at once, and never by more than four', async () => {
    const file = randomFillSync(Buffer.alloc(64 * mib))
    let active = 0
    let most = 0
    const server = await serveFile(file, ({ response, serve }) => {
      most = Math.max(most, ++active)
      response.once('close', () => active--)
      setTimeout(serve, 2)
    })
    expect(
      (await openFetcher().fetch(server.origin, policyFor([server.origin]))).equals(file),
    ).toBe(true)
    expect(most).toBe(4)
  })

  it('goes on after a cut with what is missing alone', async () => {
    const file = someFile()
    randomFillSync(file)
    let served = 0
    const abort = new AbortController()
    const first = await serveFile(file, ({ serve }) => {
      if (++served === 6) abort.abort(new Error('killed'))
      serve()
    })
    const { fetch, pages } = openFetcher()
    const policy = (origin: string) => policyFor([origin])
    await expect(fetch(first.origin, policy(first.origin), abort)).rejects.toThrow('killed')
    const keptBytes = pages().reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
    const again = await serveFile(file)
    expect((await fetch(again.origin, policy(again.origin))).equals(file)).toBe(true)
    expect(again.askedBytes()).toBe(file.length - keptBytes)
    expect(keptBytes).toBeGreaterThan(0)
  })

  it('is refused when it changes meanwhile, also over a restart', async () => {
    const file = someFile()
    const abort = new AbortController()
    const server = await serveFile(file, ({ range, serve }) => {
      if (range && range.from > 8 * mib && !abort.signal.aborted) abort.abort(new Error('killed'))
      serve()
    })
    const { fetch } = openFetcher()
    const policy = policyFor([server.origin])
    await expect(fetch(server.origin, policy, abort)).rejects.toThrow('killed')
    randomFillSync(file, 0, 100)
    await expect(fetch(server.origin, policy)).rejects.toThrow('changed while it was fetched')
  })

  it('is told to have changed by its tag when the server does not look at If-Match', async () => {
    const file = someFile()
    let count = 0
    const server = await serveFile(
      file,
      ({ response, range: { from, to } = { from: 0, to: 0 } }) => {
        const etag = `"${count++ === 3 ? 'new' : 'old'}"`
        const told = { etag, 'content-range': `bytes ${from}-${to}/${file.length}` }
        response.writeHead(206, told).end(file.subarray(from, to + 1))
      },
    )
    await expect(openFetcher().fetch(server.origin, policyFor([server.origin]))).rejects.toThrow(
      'changed while',
    )
  })

  it('comes from a server that cuts, stalls and asks for patience', async () => {
    const file = someFile()
    let count = 0
    const server = await serveFile(file, ({ response, range, serve }) => {
      count++
      if (!range || range.to === 0) return serve()
      if (count === 2) return void response.destroy()
      if (count === 3) return void response.writeHead(503, { 'retry-after': '7' }).end()
      if (count === 4) return
      if (count === 5) {
        const { from, to } = range
        const told = {
          etag: `"${sha(file)}"`,
          'content-range': `bytes ${from}-${to}/${file.length}`,
          'content-length': to - from + 1,
        }
        response.writeHead(206, told).write(file.subarray(from, from + 1000))
        return setTimeout(() => response.destroy(), 10).unref() && undefined
      }
      serve()
    })
    const { fetch, durable } = openFetcher()
    expect(
      (await fetch(server.origin, policyFor([server.origin], { stallMs: 1_000 }))).equals(file),
    ).toBe(true)
    expect(durable.world.sleptMs).toContain(7_000)
  })

  it('is given up for a while when its host does not answer at all', async () => {
    const { origin, close } = await startSourceServer({ bytes: Buffer.alloc(1) })
    await close()
    const failed = openFetcher().fetch(origin, policyFor([origin]))
    await expect(failed).rejects.toMatchObject({
      name: 'SourceAway',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it.each([
    ['another range', (from: number, to: number) => `bytes ${from + 1}-${to + 1}`],
    ['no range', () => ''],
  ])('is refused when its server lies about ranges: %s', async (_name, told) => {
    const file = someFile()
    const server = await serveFile(file, ({ response, range, serve }) => {
      if (!range || range.to === 0) return serve()
      const { from, to } = range
      const headers = { 'content-range': `${told(from, to)}/${file.length}` }
      response.writeHead(206, headers).end(file.subarray(from, to + 1))
    })
    await expect(openFetcher().fetch(server.origin, policyFor([server.origin]))).rejects.toThrow()
  })

  it('is not taken in when a range has more or fewer bytes than it says', async () => {
    const file = someFile()
    const server = await serveFile(
      file,
      ({ response, range, serve }) => {
        if (!range || range.to === 0) return serve()
        const { from, to } = range
        const headers = { etag: 'x', 'content-range': `bytes ${from}-${to}/${file.length}` }
        response.writeHead(206, headers).end(Buffer.alloc(from === 0 ? 5 * mib : 1))
      },
      { etag: 'x' },
    )
    await expect(openFetcher().fetch(server.origin, policyFor([server.origin]))).rejects.toThrow(
      /sent|more than was asked/,
    )
  })

  it.each([
    [403, 'has not run out'],
    [404, 'no such file'],
    [400, 'answered 400'],
  ])('that is answered with %i is refused with the reason', async (status, reason) => {
    const server = await serveFile(
      someFile(),
      ({ response }) => void response.writeHead(status).end(),
    )
    await expect(openFetcher().fetch(server.origin, policyFor([server.origin]))).rejects.toThrow(
      reason,
    )
  })

  it('is refused when it is over the bound, empty, or unpacked on the way', async () => {
    const policy = (origin: string) => policyFor([origin], { bytesMax: mib })
    const large = await serveFile(someFile())
    await expect(openFetcher().fetch(large.origin, policy(large.origin))).rejects.toThrow(
      'imports.bytesMax',
    )
    const packed = await serveFile(Buffer.alloc(10), undefined, { 'content-encoding': 'gzip' })
    await expect(openFetcher().fetch(packed.origin, policy(packed.origin))).rejects.toThrow(
      "encoding 'gzip'",
    )
    const quotes = '"'.repeat(1_024)
    const headers = { etag: quotes, 'last-modified': quotes }
    const wordy = await serveFile(Buffer.alloc(10), undefined, headers)
    await expect(openFetcher().fetch(wordy.origin, policy(wordy.origin))).rejects.toThrow(
      'ETag or Last-Modified',
    )
    const empty = await serveFile(
      Buffer.alloc(0),
      ({ response }) => void response.writeHead(416).end(),
    )
    await expect(openFetcher().fetch(empty.origin, policy(empty.origin))).rejects.toThrow(
      'is empty',
    )
  })

  it('is refused when it takes longer than the operator allows', async () => {
    const server = await serveFile(someFile(), ({ range, serve }) => {
      if (range?.to === 0) serve()
    })
    const policy = policyFor([server.origin], { totalMs: 200, stallMs: 60_000 })
    await expect(openFetcher().fetch(server.origin, policy)).rejects.toThrow('imports.hoursMax')
  })

  it('is read where a redirect of its own origin leads, and looked up anew when that place expires', async () => {
    const file = someFile()
    let served = 0
    const server = await serveFile(file, ({ path, response, serve }) => {
      if (path === '/disk') {
        const location = served < 3 ? '/old' : '/new'
        return void response.writeHead(302, { location }).end()
      }
      if (path === '/old' && ++served > 3) return void response.writeHead(403).end()
      serve()
    })
    expect(
      (await openFetcher().fetch(`${server.origin}/disk`, policyFor([server.origin]))).equals(file),
    ).toBe(true)
  })
})

describe('a source without ranges', () => {
  const whole =
    (file: Buffer) =>
    ({ response }: Asked) =>
      void response
        .writeHead(200, { 'last-modified': 'today', 'content-length': file.length })
        .end(file)

  it('comes as one stream, and what is there is kept when it is cut', async () => {
    const file = someFile()
    let count = 0
    const server = await serveFile(file, (asked) => {
      if (++count !== 2) return whole(file)(asked)
      const { response } = asked
      response.writeHead(200, { 'last-modified': 'today', 'content-length': file.length })
      response.write(file.subarray(0, 14 * mib), () => response.destroy())
    })
    const { fetch, pages } = openFetcher()
    expect((await fetch(server.origin, policyFor([server.origin]))).equals(file)).toBe(true)
    expect(pages().filter(({ key }) => key !== undefined).length).toBe(4)
  })

  it('may keep its length to itself, but must tell its end', async () => {
    const file = someFile()
    const chunked = await serveFile(file, ({ response }) => void response.end(file))
    expect(
      (await openFetcher().fetch(chunked.origin, policyFor([chunked.origin]))).equals(file),
    ).toBe(true)
    const open = await serveFile(file, ({ response }) => {
      response.socket?.end(`HTTP/1.0 200 OK\r\n\r\nbytes`)
    })
    await expect(openFetcher().fetch(open.origin, policyFor([open.origin]))).rejects.toThrow(
      'neither its length nor its end',
    )
  })

  it('that never ends is cut off at the bound', async () => {
    const server = await serveFile(Buffer.alloc(1), ({ response }) => {
      const part = Buffer.alloc(mib, 1)
      const go = (): void => {
        if (!response.destroyed) response.write(part, () => setImmediate(go))
      }
      go()
    })
    const policy = policyFor([server.origin], { bytesMax: 9 * mib })
    await expect(openFetcher().fetch(server.origin, policy)).rejects.toThrow('imports.bytesMax')
  })
})

describe('an Azure page blob', () => {
  const list = (text: string) => `<?xml version="1.0"?><PageList>${text}</PageList>`
  const range = (from: number, to: number) =>
    `<PageRange><Start>${from}</Start><End>${to}</End></PageRange>`

  it('is read where it has pages alone', async () => {
    const file = someFile()
    const server = await serveFile(
      file,
      ({ path, response, serve }) => {
        if (!path.includes('comp=pagelist')) return serve()
        const more = path.includes('marker=next')
        const ranges = more ? range(12 * mib, file.length - 1) : range(0, 3 * mib - 1)
        const next = more ? '' : '<NextMarker>next</NextMarker>'
        response.writeHead(200, { etag: `"${sha(file)}"` }).end(list(ranges + next))
      },
      { 'x-ms-blob-type': 'PageBlob' },
    )
    expect(
      (
        await openFetcher().fetch(`${server.origin}/d?sig=a%2Bb`, policyFor([server.origin]))
      ).equals(file),
    ).toBe(true)
    expect(server.askedBytes()).toBe(3 * mib + file.length - 12 * mib)
    expect(server.requests.find(({ path }) => path.includes('pagelist'))?.path).toContain(
      'sig=a%2Bb&comp=pagelist',
    )
  })

  it('whose list is broken is read whole', async () => {
    const file = someFile()
    const server = await serveFile(
      file,
      ({ path, response, serve }) => {
        if (!path.includes('comp=pagelist')) return serve()
        const ranges = range(12 * mib, file.length - 1) + range(0, 3 * mib - 1)
        response.writeHead(200, { etag: `"${sha(file)}"` }).end(list(ranges))
      },
      { 'x-ms-blob-type': 'PageBlob' },
    )
    const failed = openFetcher().fetch(server.origin, policyFor([server.origin]))
    expect((await failed).equals(file)).toBe(true)
  })
})
