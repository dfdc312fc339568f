import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Code } from './sign-in.ts'

/** A command that shows a code to sign in with: the code is confirmed; what it wrote, and how it ended. */
export async function endDeviceLogin(
  child: ChildProcessByStdio<null, Readable, Readable>,
  confirm: (code: Code) => Promise<unknown>,
) {
  const told = { out: '', err: '' }
  const confirmed: Promise<unknown>[] = []
  child.stdout.on('data', (text: Buffer) => {
    told.out += text.toString()
  })
  child.stderr.on('data', (text: Buffer) => {
    told.err += text.toString()
    const [, address = '', code] =
      /open the page (\S+) and enter the code ([B-Z]{4}-[B-Z]{4})/.exec(told.err) ?? []
    if (code === undefined || confirmed.length > 0) return
    confirmed.push(confirm({ user_code: code, verification_uri: address }))
  })
  const exitCode = await new Promise((resolve) => child.on('close', resolve))
  await Promise.all(confirmed)
  return { ...told, exitCode }
}
