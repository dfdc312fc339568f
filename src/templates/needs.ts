import type { Json } from '../domain/rows.ts'

/** Something that only the installation knows while a deployment runs. `key` names it in `Facts`. */
export type Need =
  | {
      readonly is: 'reference'
      readonly key: string
      readonly id: string
      readonly apiVersion: string | undefined
    }
  | {
      readonly is: 'list'
      readonly key: string
      readonly id: string
      readonly apiVersion: string
      /** `listKeys`, as written. */
      readonly action: string
      readonly body: Json | undefined
    }

/** By the keys of needs: the whole resource as GET shows it; the answer of the action. */
export type Facts = ReadonlyMap<string, Json>
