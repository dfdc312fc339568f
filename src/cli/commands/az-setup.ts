import { access as reach, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { parseJson } from '../../client/tokens.ts'
import { foundCloud } from '../az-setup/found-cloud.ts'
import { performSteps } from '../az-setup/perform-steps.ts'
import { exportLine, shellLines } from '../az-setup/shell-lines.ts'
import {
  type AzLogin,
  type AzSetup,
  cloudName,
  envFileOf,
  exportedBy,
  exportsOf,
  removeSteps,
  setUpSteps,
} from '../az-setup/steps.ts'
import { type CommandGroup, type Context, command } from '../command.ts'
import { may, on } from '../flag.ts'
import { keptLogin, ownerAt } from '../profile.ts'
import { caOf } from '../session.ts'
import { UsageError } from '../usage-error.ts'

const azSetup = command({
  name: 'az-setup',
  says: 'Point the Azure CLI at the server: print what to do, or do it.',
  more: 'Registers the server as a cloud of az, gives az the authority of its certificate, and logs az in: as the application of the kept login (or of --data), or as a person (--user). All of it lies in a folder of its own, beside your other clouds. Without --apply nothing is changed, and the lines can be pasted into any shell; with it, what is printed are the exports that the shell needs.',
  examples: [
    'eval "$(vitrine az-setup --apply)" && az sig list',
    'vitrine az-setup --data ./data',
    'vitrine az-setup --user --base https://images.example:8443 --ca ca.pem --apply',
    'eval "$(vitrine az-setup --remove --apply)"',
  ],
  flags: {
    apply: on('--apply', 'Do it, instead of printing it.'),
    user: on('--user', 'az logs in as a person, by a code that is entered in a browser.'),
    debian: on(
      '--debian',
      'Mend what is broken in az 2.45 as Debian packages it (image, vm, role), by a file that Python loads.',
    ),
    remove: on('--remove', 'Take all of it away again: logins, cloud, files.'),
    configDir: may(
      '--config-dir <folder>',
      'Where az keeps it (AZURE_CONFIG_DIR); left out, a folder beside the login.',
    ),
    data: may('--data <folder>', 'Data folder of a local installation, instead of the kept login.'),
    base: may('--base <url>', 'URL of the server, instead of the kept login; with --user.'),
    ca: may('--ca <file>', "With --base: PEM file of the authority of the server's certificate."),
    tenant: may('-t, --tenant <id>', 'With --base: the tenant to log in to.'),
  },
  run: async (context, given) => {
    const own = join(context.homeFolder, 'azure')
    const folder = given.configDir === undefined ? own : resolve(given.configDir)
    if (given.remove) await remove(context, { folder, isOwn: folder === own }, given.apply)
    else await setUp(context, await setupOf(context, folder, given), given.apply)
    return undefined
  },
})

async function setUp(context: Context, setup: AzSetup, applies: boolean): Promise<void> {
  const steps = setUpSteps(setup)
  const exports = exportsOf(setup).map((line) => `${exportLine(line)}\n`)
  if (!applies) {
    context.out.write(`${shellLines(steps).join('\n')}\n`)
    return
  }
  const file = envFileOf(setup.folder)
  const kept = { is: 'write', file, text: exports.join('') } as const
  await performSteps([...steps, kept], context)
  context.out.write(exports.join(''))
  const where = setup.caFiles.length === 0 ? '' : `, with the certificate authority`
  context.err.write(
    `az is logged in to ${cloudName}; all of it lies in ${setup.folder}${where}. In each shell: . ${file}\n`,
  )
  if (!setup.isDebian && (await isThere(debiansAz))) context.err.write(debianHint)
}

/** Where Debian's package has what Microsoft's brings in a Python of its own. */
const debiansAz = '/usr/lib/python3/dist-packages/azure/cli'
const debianHint =
  'This az is Debian’s, in which `az image`, `az vm` and `az role` are broken: add --debian to mend them.\n'

type Given = {
  readonly user: boolean
  readonly debian: boolean
  readonly data: string | undefined
  readonly base: string | undefined
  readonly ca: string | undefined
  readonly tenant: string | undefined
}

async function setupOf(context: Context, folder: string, given: Given): Promise<AzSetup> {
  const { base, caFile, subscriptionId, login } = await knownLogin(context, given)
  const { cloud, isElsewhere } = await foundCloud(
    base,
    await caOf(caFile === undefined ? {} : { caFile }),
    context.signal,
  )
  const others = isElsewhere && (await isThere(systemRoots)) ? [systemRoots] : []
  const caFiles = caFile === undefined ? [] : [caFile, ...others]
  return { folder, cloud, caFiles, login, subscriptionId, isDebian: given.debian }
}

/** What az trusts is in one file: an issuer elsewhere has another authority than ours. */
const systemRoots = '/etc/ssl/certs/ca-certificates.crt'

type Known = {
  readonly base: string
  readonly caFile?: string
  readonly subscriptionId: string | undefined
  readonly login: AzLogin
}

async function knownLogin({ homeFolder }: Context, given: Given): Promise<Known> {
  const { data, base, user, tenant } = given
  if (base !== undefined) {
    if (!user || data !== undefined) throw new UsageError(baseAlone)
    const caFile = given.ca === undefined ? {} : { caFile: resolve(given.ca) }
    return { base, ...caFile, subscriptionId: undefined, login: { as: 'person', tenantId: tenant } }
  }
  const kept = data === undefined ? await keptLogin(homeFolder) : await ownerAt(data)
  const { tenantId, clientId, secretFile } = kept
  if (user) return { ...kept, login: { as: 'person', tenantId } }
  if (secretFile === undefined) throw new UsageError(personsLogin)
  return { ...kept, login: { as: 'application', tenantId, clientId, secretFile } }
}

const baseAlone =
  'Give --base with --user and without --data. For an application: log in first (`vitrine login --base …`), then `vitrine az-setup`.'
const personsLogin =
  'The kept login is of a person, and az needs one of its own: add --user. Or name an installation by --data.'

async function remove(
  context: Context,
  there: { readonly folder: string; readonly isOwn: boolean },
  applies: boolean,
): Promise<void> {
  const users = await usersIn(there.folder)
  const steps = removeSteps({ ...there, users, exported: await exportedIn(there.folder) })
  if (!applies) {
    context.out.write(`${shellLines(steps).join('\n')}\n`)
    return
  }
  await performSteps(steps, context)
  for (const line of shellLines(steps.filter(({ is }) => is === 'unset')))
    context.out.write(`${line}\n`)
  context.err.write(`Nothing of ${cloudName} is left in ${there.folder}.\n`)
}

const AzProfile = z.object({
  subscriptions: z.array(
    z.object({ environmentName: z.string(), user: z.object({ name: z.string() }) }),
  ),
})

/** Who is logged in to the installation, by what az keeps. */
async function usersIn(folder: string): Promise<readonly string[]> {
  const file = join(folder, 'azureProfile.json')
  const text = await readFile(file, 'utf8').catch(() => '')
  // Python puts a mark before UTF-8.
  const { data } = AzProfile.safeParse(parseJson(Buffer.from(text.replace(/^\uFEFF/, ''))))
  const ours = (data?.subscriptions ?? []).filter((one) => one.environmentName === cloudName)
  return [...new Set(ours.map((one) => one.user.name))]
}

/** The variables that shells have from a set-up in the folder. */
async function exportedIn(folder: string): Promise<readonly string[]> {
  const all = exportedBy(folder)
  const there = await Promise.all(all.map(({ file }) => isThere(file)))
  return all.flatMap(({ name }, index) => (there[index] ? [name] : []))
}

const isThere = (file: string): Promise<boolean> =>
  reach(file).then(
    () => true,
    () => false,
  )

export const azSetupCommands: CommandGroup = { name: '', says: '', commands: [azSetup] }
