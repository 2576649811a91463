// @ts-check

/**
 * What this example needs of a database: `pg` and PGlite both have it.
 *
 * @typedef {{ query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }> }} Database
 */

/** @typedef {{ id: number, name: string | null, logins: number }} User */

/**
 * Opens PostgreSQL if there is a URL, otherwise a database in this process that is gone when it ends.
 *
 * @param {string | undefined} url
 * @returns {Promise<Database>}
 */
export async function openDatabase(url) {
  if (url) {
    const { Pool } = (await import('pg')).default
    return new Pool({ connectionString: url, allowExitOnIdle: true })
  }
  const { PGlite } = await import('@electric-sql/pglite')
  return PGlite.create()
}

/**
 * The users of the application.
 *
 * @param {Database} database
 */
export async function openUsers(database) {
  // An account is identified by issuer and subject. The address is only data: it changes, and may be someone else's.
  await database.query(`create table if not exists example_users (
    id bigint generated always as identity primary key,
    issuer text not null,
    subject text not null,
    name text,
    email text,
    logins integer not null default 1,
    unique (issuer, subject)
  )`)

  return {
    /**
     * Finds the user of an account, or creates one. A single statement, so two logins at once make one user.
     *
     * @param {{ iss: string, sub: string, name?: unknown, email?: unknown }} claims verified by the login
     * @returns {Promise<User>}
     */
    async findOrCreate({ iss, sub, name, email }) {
      const { rows } = await database.query(
        `insert into example_users (issuer, subject, name, email) values ($1, $2, $3, $4)
         on conflict (issuer, subject)
         do update set name = excluded.name, email = excluded.email, logins = example_users.logins + 1
         returning id::integer as id, name, logins`,
        [iss, sub, name ?? null, email ?? null],
      )
      return /** @type {User} */ (rows[0])
    },
  }
}
