import { join } from 'node:path'
import { readOwner, writeProfile } from '../../src/cli/profile.ts'
import { runCli } from '../../src/cli/run-cli.ts'
import { openWorld } from '../../src/world.ts'
import { openTestTerminal } from './test-terminal.ts'

/** What a command line without the server's own commands is given for them. */
export const noLocalCommands = {
  backup: async () => undefined,
  migrate: async () => undefined,
  serve: async () => undefined,
  quickstart: async () => undefined,
  checkSpace: async () => ({ isSound: true }),
  restoreSpaces: async () => undefined,
}

/** Runs commands as the owner of an installation, logged in below the folder `home`. */
export async function openCliLine({ data }: { readonly data: string }, home: string) {
  await writeProfile(home, await readOwner(join(data, 'owner.json')))
  return async (...line: readonly string[]) => {
    const [out, err] = [openTestTerminal(), openTestTerminal()]
    const { signal } = new AbortController()
    const parts = { version: '1', homeFolder: home, out, err, signal, local: noLocalCommands }
    const code = await runCli([...line], { world: openWorld('error'), ...parts })
    return { code, out: out.text(), err: err.text() }
  }
}
