import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ClientError } from '../client/client-error.ts'

/** What `vitrine login` keeps. The secret is either here or, for a local installation, in its own owner file. */
const Profile = z.object({
  base: z.url(),
  tenantId: z.string(),
  subscriptionId: z.string(),
  clientId: z.string(),
  clientSecret: z.string().exactOptional(),
  /** The owner.json of a local installation, read at each start: its secret is never copied. */
  ownerFile: z.string().exactOptional(),
  caFile: z.string().exactOptional(),
})
export type Profile = z.infer<typeof Profile>

/** What the first start of an installation leaves in its data folder. */
const Owner = z.object({
  base: z.url(),
  tenantId: z.string(),
  subscriptionId: z.string(),
  clientId: z.string(),
  clientSecret: z.string(),
  caFile: z.string().exactOptional(),
})
export type Owner = z.infer<typeof Owner>

/** Everything needed to talk to the server. */
export type Access = Owner

/** Reads `owner.json` of a data folder. Throws ClientError `NotLoggedIn`. */
export async function readOwner(file: string): Promise<Owner> {
  return await readJson(
    file,
    Owner,
    'Start the server once (`vitrine serve --data DIR`), then repeat.',
  )
}

/** The login that is kept in `folder`, with its secret. Throws ClientError `NotLoggedIn`. */
export async function readAccess(folder: string): Promise<Access> {
  const login = 'Log in first: `vitrine login --data DIR`.'
  const profile = await readJson(join(folder, profileName), Profile, login)
  const { ownerFile, clientSecret, ...rest } = profile
  if (ownerFile === undefined) {
    if (clientSecret === undefined) throw notLoggedIn(`${folder} keeps no secret`, login)
    return { ...rest, clientSecret }
  }
  const owner = await readOwner(ownerFile)
  return {
    ...rest,
    clientSecret: owner.clientSecret,
    ...(owner.clientId === rest.clientId ? {} : owner),
  }
}

/** Keeps a login, readable by nobody else. */
export async function writeProfile(folder: string, profile: Profile): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, profileName)
  const fresh = `${file}.new`
  await writeFile(fresh, `${JSON.stringify(profile, null, 2)}\n`, { mode: 0o600 })
  await chmod(fresh, 0o600)
  await rename(fresh, file)
}

const profileName = 'profile.json'

async function readJson<Shape>(
  file: string,
  schema: z.ZodType<Shape>,
  fix: string,
): Promise<Shape> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw notLoggedIn(
      error.code === 'ENOENT' ? `there is no ${file}` : `${file} cannot be read (${error.code})`,
      fix,
    )
  })
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    throw notLoggedIn(`${file} is damaged`, fix, error)
  }
}

function notLoggedIn(why: string, nextStep: string, cause?: unknown): ClientError {
  return new ClientError(
    { code: 'NotLoggedIn', message: `You are not logged in: ${why}.`, nextStep },
    { cause },
  )
}
