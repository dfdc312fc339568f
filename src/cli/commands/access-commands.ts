import { type Command, command } from '../command.ts'
import { grantAccess, revokeAccess } from '../download-version.ts'
import { may, mayRead, wholeNumber } from '../flag.ts'
import type { Paths } from '../paths.ts'
import { group, name } from './common-flags.ts'

type Kind = 'disk' | 'snapshot'

const pathOf = (paths: Paths, kind: Kind, given: { group: string; name: string }): string =>
  kind === 'disk' ? paths.disk(given.group, given.name) : paths.snapshot(given.group, given.name)

/** `grant-access` and `revoke-access` of disks or of snapshots. */
export function accessCommands(kind: Kind): readonly [grant: Command, revoke: Command] {
  const named = name(kind, kind)
  const grant = command({
    name: 'grant-access',
    says: `Get an address through which a ${kind}'s bytes are read or written for a time.`,
    more: 'The address is a shared access signature of a page blob: whoever has it has the bytes.',
    examples: [`vitrine ${kind} grant-access -g images -n os1 --duration-in-seconds 3600 -o tsv`],
    flags: {
      group,
      name: named,
      access: may('--access-level <level>', 'Default Read.', { choices: ['Read', 'Write'] }),
      seconds: mayRead(
        '--duration-in-seconds <n>',
        'Default a day.',
        wholeNumber('--duration-in-seconds'),
      ),
    },
    run: async (context, given) => {
      const session = await context.connect()
      const { sasUrl } = await grantAccess(session, pathOf(session.paths, kind, given), {
        access: given.access === 'Write' ? 'Write' : 'Read',
        signal: context.signal,
        ...(given.seconds === undefined ? {} : { seconds: given.seconds }),
      })
      return { value: { accessSas: sasUrl }, columns: [['Address', 'accessSas']] }
    },
  })
  const revoke = command({
    name: 'revoke-access',
    says: `End the shared access to a ${kind}; an upload is complete by this.`,
    flags: { group, name: named },
    run: async (context, given) => {
      const session = await context.connect()
      await revokeAccess(session, pathOf(session.paths, kind, given), context.signal)
      return undefined
    },
  })
  return [grant, revoke]
}
