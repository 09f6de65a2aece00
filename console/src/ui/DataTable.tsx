import { Table } from "@mantine/core";
import type { ReactNode } from "react";

export interface Column<Row> {
  name: string;
  /** The header is only for screen readers: of a column of buttons, say. */
  isQuiet?: boolean;
  width?: number | string;
  align?: "left" | "right";
  cell: (row: Row) => ReactNode;
}

interface DataTableProps<Row> {
  /** What a screen reader calls it. */
  label: string;
  columns: Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  minWidth?: number;
  onRow?: (row: Row) => void;
}

/** A table that scrolls sideways where it has no room. */
export function DataTable<Row>({ label, columns, rows, keyOf, minWidth = 640, onRow }: DataTableProps<Row>) {
  return (
    <Table.ScrollContainer
      minWidth={minWidth}
      type="native"
      tabIndex={0}
      role="region"
      aria-label={label}
      pos="relative"
    >
      <Table verticalSpacing="xs" highlightOnHover={onRow !== undefined} aria-label={label}>
        <Table.Thead>
          <Table.Tr>
            {columns.map((column) => (
              <Table.Th key={column.name} w={column.width} ta={column.align} scope="col">
                {column.isQuiet ? <span className="visually-hidden">{column.name}</span> : column.name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr
              key={keyOf(row)}
              onClick={onRow && (() => onRow(row))}
              style={onRow ? { cursor: "pointer" } : undefined}
            >
              {columns.map((column) => (
                <Table.Td key={column.name} ta={column.align}>
                  {column.cell(row)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
