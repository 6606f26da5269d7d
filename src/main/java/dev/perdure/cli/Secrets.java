package dev.perdure.cli;

import java.io.BufferedReader;
import java.io.Console;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Passwords from files and from the standard input, a line each. */
final class Secrets {

    private @Nullable BufferedReader input;

    Secrets() {}

    /**
     * Reads one.
     *
     * @param role whose password it is, for who types it
     * @param place a file, or {@code -} for the next line of the standard input, which a terminal does not show
     */
    String read(String role, String place) throws IOException {
        String line = place.equals("-") ? nextLine(role) : firstLine(Path.of(place));
        if (line == null || line.isEmpty()) {
            throw new UsageException("No password stands in " + (place.equals("-") ? "the standard input" : place));
        }
        return line;
    }

    private @Nullable String nextLine(String role) throws IOException {
        Console console = System.console();
        if (console != null) {
            char[] typed = console.readPassword("Password of %s: ", role);
            return typed == null ? null : new String(typed);
        }
        BufferedReader reader = input;
        if (reader == null) {
            reader = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            input = reader;
        }
        return reader.readLine();
    }

    private static @Nullable String firstLine(Path file) throws IOException {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.findFirst().orElse(null);
        }
    }
}
