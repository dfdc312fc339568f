import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ConfigOverrides } from '../src/config.ts'

export type ChildServer = { readonly url: string; readonly pid: number; stop(): Promise<void> }

/** One principal asks for all that the machine gives; the counting stays. */
export const unlimited = { timesAzure: 1_000_000 }

/** Vitrine as a user starts it, but for the limits of rate, in a process of its own, on a data folder that is there already. */
export async function startVitrine(
  folder: string,
  settings: ConfigOverrides = { plainHttp: true },
): Promise<ChildServer> {
  const config = join(folder, 'bench-config.json')
  await writeFile(config, JSON.stringify({ rateLimits: unlimited, ...settings }))
  const main = join(import.meta.dirname, '..', 'src', 'main.ts')
  return start(
    [main, 'serve', '--data', folder, '--port', '0', '--config', config],
    /serves (\S+),/,
  )
}

/** The ceiling that node:http has: it answers every request with the document of a file, stringified each time. */
export function startJsonServer(documentFile: string): Promise<ChildServer> {
  return start([join(import.meta.dirname, 'json-server.ts'), documentFile], /^listens (\S+)$/)
}

/** Streams ranges of a file as node does it. */
export function startFileServer(file: string): Promise<ChildServer> {
  return start([join(import.meta.dirname, 'file-server.ts'), file], /^listens (\S+)$/)
}

async function start(args: readonly string[], told: RegExp): Promise<ChildServer> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await firstMatch(child, told)
  async function stop(): Promise<void> {
    if (child.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  return { url, pid: child.pid ?? 0, stop }
}

async function firstMatch(child: ChildProcess, told: RegExp): Promise<string> {
  if (!child.stdout) throw new Error('the child has no output')
  for await (const line of createInterface(child.stdout)) {
    const [, found] = told.exec(line) ?? []
    if (found === undefined) continue
    // What it prints later is nobody's, and must not fill its pipe.
    child.stdout.resume()
    return found
  }
  throw new Error('the server ended before it listened')
}
