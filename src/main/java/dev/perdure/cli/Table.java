package dev.perdure.cli;

import java.io.PrintWriter;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.StringJoiner;

/** A result as text in columns, as psql prints it. NULL is shown as nothing. */
final class Table {

    private final List<List<String>> lines;
    private final int columns;

    private Table(List<List<String>> lines, int columns) {
        this.lines = lines;
        this.columns = columns;
    }

    static Table read(ResultSet rows) throws SQLException {
        int columns = rows.getMetaData().getColumnCount();
        List<List<String>> lines = new ArrayList<>();
        List<String> names = new ArrayList<>();
        for (int i = 1; i <= columns; i++) {
            names.add(rows.getMetaData().getColumnLabel(i));
        }
        lines.add(names);
        while (rows.next()) {
            List<String> cells = new ArrayList<>();
            for (int i = 1; i <= columns; i++) {
                String text = rows.getString(i);
                cells.add(text == null ? "" : text);
            }
            lines.add(cells);
        }
        return new Table(lines, columns);
    }

    void print(PrintWriter out) {
        int[] widths = new int[columns];
        for (List<String> row : lines) {
            for (int i = 0; i < columns; i++) {
                widths[i] = Math.max(
                        widths[i],
                        row.get(i).lines().mapToInt(Table::width).max().orElse(0));
            }
        }
        printRow(out, lines.get(0), widths);
        StringJoiner rule = new StringJoiner("+");
        for (int width : widths) {
            rule.add("-".repeat(width + 2));
        }
        out.println(rule);
        lines.subList(1, lines.size()).forEach(row -> printRow(out, row, widths));
        int count = lines.size() - 1;
        out.println("(" + count + (count == 1 ? " row)" : " rows)"));
    }

    /** A cell of several lines makes the row as many lines high. */
    private static void printRow(PrintWriter out, List<String> row, int[] widths) {
        List<List<String>> cells =
                row.stream().map(cell -> cell.lines().toList()).toList();
        int height = Math.max(1, Collections.max(cells.stream().map(List::size).toList(), Integer::compare));
        for (int line = 0; line < height; line++) {
            StringJoiner text = new StringJoiner("|");
            for (int i = 0; i < widths.length; i++) {
                String part = line < cells.get(i).size() ? cells.get(i).get(line) : "";
                text.add(" " + part + " ".repeat(widths[i] - width(part) + 1));
            }
            out.println(text.toString().stripTrailing());
        }
    }

    private static int width(String text) {
        return text.codePointCount(0, text.length());
    }
}
