import type pg from 'pg';

/** The shop's tables; between them they have every common type. */
const SCHEMA = `
CREATE TYPE order_state AS ENUM ('new', 'paid', 'sent', 'returned');
CREATE TABLE customers (
  id bigint PRIMARY KEY,
  name varchar(80) NOT NULL,
  email text NOT NULL,
  born date,
  vip boolean NOT NULL DEFAULT false,
  balance numeric(12, 2) NOT NULL DEFAULT 0,
  ref uuid NOT NULL,
  tags text[],
  settings jsonb,
  address inet,
  joined timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE products (
  sku varchar(20) PRIMARY KEY,
  title text NOT NULL,
  description text NOT NULL,
  price numeric(10, 2) NOT NULL,
  weight real,
  rating double precision,
  picture bytea,
  opens time,
  stock smallint NOT NULL,
  lead_time interval,
  changed timestamp NOT NULL DEFAULT now()
);
ALTER TABLE products ALTER COLUMN description SET STORAGE EXTERNAL;
CREATE TABLE orders (
  id bigint PRIMARY KEY,
  customer_id bigint NOT NULL,
  state order_state NOT NULL,
  total numeric(14, 4) NOT NULL,
  note text,
  placed timestamptz NOT NULL
);
CREATE TABLE order_items (
  order_id bigint NOT NULL,
  line int NOT NULL,
  sku varchar(20) NOT NULL,
  quantity int NOT NULL,
  price numeric(10, 2) NOT NULL,
  PRIMARY KEY (order_id, line)
);`;

export const TABLES = ['customers', 'products', 'orders', 'order_items'] as const;

const PRODUCTS = 200;
/** Random text, stored out of line: what an update does not touch is not in the log. */
const BIG_TEXT = `(SELECT string_agg(md5(g::text || s::text || random()::text), '') FROM generate_series(1, 120) s)`;

/** Creates the shop with `rows` orders and a matching number of everything else. */
export async function createShop(client: pg.Client, rows: number): Promise<void> {
  await client.query(SCHEMA);
  const customers = Math.max(10, Math.floor(rows / 4));
  await client.query(`INSERT INTO customers SELECT ${customer('g')} FROM generate_series(1, ${customers}) g`);
  await client.query(`INSERT INTO products SELECT ${product('g')} FROM generate_series(1, ${PRODUCTS}) g`);
  await client.query(`INSERT INTO orders SELECT ${order('g', customers)} FROM generate_series(1, ${rows}) g`);
  await client.query(
    `INSERT INTO order_items SELECT g, l, ${item()} FROM generate_series(1, ${rows}) g, generate_series(1, 1 + g % 3) l`,
  );
  await client.query('ANALYZE');
}

const customer = (id: string) => `${id}, 'Customer ' || ${id}, 'c' || ${id} || '@example.com',
  CASE WHEN ${id} % 7 = 0 THEN NULL ELSE date '1950-01-01' + (${id} % 20000)::int END, ${id} % 11 = 0, (${id} % 100000) / 7.0,
  md5('ref' || ${id})::uuid, ARRAY['a' || ${id} % 5, NULL, 'ü"' || ${id} % 3], jsonb_build_object('theme', 'dark', 'n', ${id} % 9),
  ('10.0.' || ${id} % 250 || '.' || ${id} % 199)::inet, timestamptz '2020-01-01 00:00:00+00' + ${id} * interval '61.000007 s'`;

const product = (
  id: string,
) => `'SKU-' || ${id}, 'Product ' || ${id} || ' ☃', ${BIG_TEXT}, (${id} % 9999) + 0.99,
  (${id} % 50) / 3.0::real, sqrt(${id}), decode(md5(${id}::text), 'hex'), time '08:00' + ${id} % 600 * interval '1 min', ${id} % 1000,
  make_interval(days => (${id} % 30)::int, secs => ${id} % 60)`;

const order = (
  id: string,
  customers: number,
) => `${id}, 1 + ${id} % ${customers}, (enum_range(NULL::order_state))[1 + ${id} % 4],
  (${id} % 100000) / 3.0, CASE WHEN ${id} % 3 = 0 THEN NULL ELSE 'note ' || ${id} END, timestamptz '2024-01-01 00:00:00+00' + ${id} * interval '17 s'`;

const item = () => `'SKU-' || 1 + (g * 7 + l) % ${PRODUCTS}, 1 + (g + l) % 5, ((g * l) % 5000) + 0.5`;

/** Keeps the shop changing until `signal` aborts; counts every changed row. */
export class ShopTraffic {
  changes = 0;
  #nextOrder: number;
  readonly #firstOrder: number;
  #step = 0;

  constructor(rows: number) {
    this.#firstOrder = 1;
    this.#nextOrder = rows + 1;
  }

  async run(client: pg.Client, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#transaction(client);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async #transaction(client: pg.Client): Promise<void> {
    const step = this.#step++;
    await client.query('BEGIN');
    for (const sql of this.#statements(step)) this.changes += (await client.query(sql)).rowCount ?? 0;
    await client.query('COMMIT');
  }

  #statements(step: number): string[] {
    const id = this.#nextOrder++;
    const old = this.#firstOrder + ((step * 7919) % (id - this.#firstOrder));
    const sku = `'SKU-${1 + (step % PRODUCTS)}'`;
    const statements = [
      `INSERT INTO orders SELECT ${order(String(id), 1000)}`,
      `INSERT INTO order_items SELECT g, l, ${item()} FROM generate_series(${id}, ${id}) g, generate_series(1, 3) l`,
      `UPDATE orders SET state = 'paid', total = total + 0.0001 WHERE id = ${old}`,
      // The description stays as it is, and out of the log.
      `UPDATE products SET stock = (stock + 1) % 1000, changed = clock_timestamp() WHERE sku = ${sku}`,
      `UPDATE customers SET balance = balance + 1.25 WHERE id = ${1 + (step % 1000)}`,
    ];
    if (step % 5 === 0)
      statements.push(
        `DELETE FROM order_items WHERE order_id = ${old}`,
        `DELETE FROM orders WHERE id = ${old}`,
      );
    if (step % 20 === 0)
      statements.push(`UPDATE orders SET id = id + 1000000000, note = 'moved' WHERE id = ${old + 1}`);
    if (step % 50 === 0)
      statements.push(
        `UPDATE products SET description = ${BIG_TEXT.replaceAll('g::text', "'x'")} WHERE sku = ${sku}`,
      );
    return statements;
  }
}

/** A column with a default, which gives every old row a value without a single change event. */
export async function addColumn(client: pg.Client): Promise<void> {
  await client.query(`ALTER TABLE orders ADD COLUMN channel text NOT NULL DEFAULT 'shop'`);
  await client.query(`UPDATE orders SET channel = 'phone' WHERE id % 97 = 0`);
}
