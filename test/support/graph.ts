import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { z } from 'zod'
import type { TestInstallation } from './test-installation.ts'

const Made = z.looseObject({ id: z.string() })
export const GraphList = z.object({
  value: z.array(z.looseObject({ id: z.string() })),
  '@odata.nextLink': z.string().optional(),
})
export const GraphRefusal = z.object({
  error: z.object({ code: z.string(), message: z.string() }),
})

type Headers = Readonly<Record<string, string>>

/** Raw Graph as the owner, or with the headers that are given. */
export function openGraph(vitrine: Pick<TestInstallation, 'call' | 'url'>) {
  /** One request: status and JSON. */
  async function graph(method: string, path: string, body?: unknown, headers: Headers = {}) {
    const answer = await vitrine.call(method, `/graph/v1.0/${path}`, body, headers)
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : {} }
  }

  async function made(collection: string, body: object): Promise<z.infer<typeof Made>> {
    const answer = await graph('POST', collection, body)
    expect(answer.body).not.toHaveProperty('error')
    expect(answer.status).toBe(201)
    return Made.parse(answer.body)
  }

  /** Status and code of a refusal. */
  async function refused(...asked: Parameters<typeof graph>) {
    const { status, body } = await graph(...asked)
    return [status, GraphRefusal.parse(body).error.code]
  }

  /** The names of a list. */
  async function names(path: string) {
    const { body } = await graph('GET', path)
    return GraphList.parse(body).value.map(({ displayName }) => displayName)
  }

  const reference = (id: string) => ({
    '@odata.id': `${vitrine.url}/graph/v1.0/directoryObjects/${id}`,
  })

  return { graph, made, refused, names, reference }
}

export const person = (more = {}) => ({
  ...{ accountEnabled: true, displayName: 'Ann Lee', mailNickname: 'ann' },
  ...{ userPrincipalName: `${randomUUID().slice(0, 8)}@example.test`, ...more },
})

export const security = (displayName: string) => ({
  ...{ displayName, mailNickname: 'n', mailEnabled: false, securityEnabled: true },
})

/** The body of a role assignment. */
export const giving = (roleId: string, principalId: string) => ({
  properties: {
    roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${roleId}`,
    principalId,
  },
})

/** The path of a fresh role assignment. */
export const assignmentAt = (scope: string) =>
  `${scope}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`
