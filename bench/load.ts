import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { run } from './programs.ts'

const Load = z.object({
  rate: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  refused: z.number(),
})

export const connections = 16
const seconds = 3
/** Half a second of it warms up, and is not counted. */
export const loadSeconds = seconds + 0.5

const runAside = promisify(execFile)

type Asked = {
  readonly urls: readonly string[]
  readonly headers: Readonly<Record<string, string>>
}

/** Requests a second of several servers together, each asked by a client of its own, the connections shared out. */
export async function loadOfAll(servers: readonly Asked[]): Promise<number> {
  const rates = servers.map(async ({ urls, headers }) => {
    const { args, folder } = childOf(urls, headers, connections / servers.length)
    const { stdout } = await runAside(process.execPath, args)
    rmSync(folder, { recursive: true })
    return loadIn(stdout, urls).rate
  })
  return (await Promise.all(rates)).reduce((sum, rate) => sum + rate, 0)
}

/** Requests a second, of the URLs in turn, on kept connections, from a client in a process of its own. Throws when one is not answered with 200. */
export function loadOf(
  urls: string | readonly string[],
  headers: Readonly<Record<string, string>> = {},
): z.infer<typeof Load> {
  const { args, folder } = childOf([urls].flat(), headers, connections)
  const told = run(process.execPath, args)
  rmSync(folder, { recursive: true })
  return loadIn(told, [urls].flat())
}

function childOf(
  urls: readonly string[],
  headers: Readonly<Record<string, string>>,
  ofThem: number,
) {
  const child = join(import.meta.dirname, 'load-child.ts')
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-load-'))
  // A file: a list may be longer than a command line.
  const list = join(folder, 'urls.json')
  writeFileSync(list, JSON.stringify(urls))
  return { folder, args: [child, list, String(ofThem), String(seconds), JSON.stringify(headers)] }
}

function loadIn(told: string, urls: readonly string[]): z.infer<typeof Load> {
  const load = Load.parse(JSON.parse(told))
  if (load.refused > 0) throw new Error(`${urls[0]}: ${load.refused} answers were not 200`)
  return load
}
