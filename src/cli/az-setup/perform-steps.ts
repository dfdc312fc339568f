import { spawn } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { ClientError } from '../../client/client-error.ts'
import type { Terminal } from '../terminal.ts'
import type { AzCall, Exported, Step, Unset } from './steps.ts'

type Parts = { readonly err: Terminal; readonly signal: AbortSignal }

/** Does one step after the other; az runs with what was exported before. Throws ClientError `AzNotFound`, `AzFailed`. */
export async function performSteps(steps: readonly Step[], parts: Parts): Promise<void> {
  const exported: Exported[] = []
  for (const step of steps) {
    parts.signal.throwIfAborted()
    if (step.is === 'export') exported.push(step)
    else if (step.is === 'az') await callAz(step, { ...parts, exported })
    else if (step.is !== 'unset') await change(step)
  }
}

async function change(step: Exclude<Step, Exported | Unset | AzCall>): Promise<void> {
  switch (step.is) {
    case 'folder':
      await mkdir(step.path, { recursive: true, mode: 0o700 })
      return
    case 'join':
      return writeFile(step.to, await Promise.all(step.files.map((file) => readFile(file))))
    case 'write':
      return writeFile(step.file, step.text)
    case 'remove':
      return rm(step.path, { recursive: true, force: true })
  }
}

type AzParts = Parts & { readonly exported: readonly Exported[] }

async function callAz(call: AzCall, parts: AzParts): Promise<void> {
  const input = call.secretFile === undefined ? undefined : await secretIn(call.secretFile)
  const ended = await runAz(call.args, { ...parts, input, talks: call.talks === true })
  if (ended.exitCode === 0) return
  if (call.otherwise !== undefined) return await callAz({ is: 'az', args: call.otherwise }, parts)
  // `env` says so when there is no such program.
  if (ended.exitCode === 127) throw azNotFound()
  throw new ClientError({
    code: 'AzFailed',
    message: `\`az ${call.args.slice(0, 2).join(' ')}\` ended with ${ended.exitCode}: ${ended.told.trim()}`,
    nextStep: 'Leave out --apply to see the lines, and try them one by one.',
  })
}

const Secret = z.object({ clientSecret: z.string() })

const secretIn = async (file: string): Promise<string> =>
  Secret.parse(JSON.parse(await readFile(file, 'utf8'))).clientSecret

/** What az says at most when it fails: the last of it. */
const toldCharsMax = 4000

type Run = AzParts & { readonly input: string | undefined; readonly talks: boolean }

async function runAz(args: readonly string[], { exported, input, talks, err, signal }: Run) {
  const variables = exported.map(({ name, value }) => `${name}=${value}`)
  // The code of a person's login is a warning to az.
  const warned = talks ? ['AZURE_CORE_ONLY_SHOW_ERRORS=false'] : []
  const line = [...variables, ...warned, 'az', ...args]
  const child = spawn('env', line, { stdio: ['pipe', 'ignore', 'pipe'], signal })
  let told = ''
  child.stderr.on('data', (text: Buffer) => {
    told = (told + text.toString()).slice(-toldCharsMax)
    if (talks) err.write(text.toString())
  })
  // It may end before it has read anything.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input ?? '')
  const exitCode = await new Promise<number>((resolve) => {
    child.on('error', () => resolve(127))
    child.on('close', (code) => resolve(code ?? 1))
  })
  signal.throwIfAborted()
  return { exitCode, told }
}

function azNotFound(): ClientError {
  return new ClientError({
    code: 'AzNotFound',
    message: 'There is no program `az` on this machine.',
    nextStep:
      'Install the Azure CLI (Debian: `apt-get install azure-cli`), or leave out --apply and run the lines elsewhere.',
  })
}
