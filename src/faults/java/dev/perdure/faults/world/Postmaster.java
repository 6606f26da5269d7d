package dev.perdure.faults.world;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Starts the server of a data directory with the command that it was started with the last time (postmaster.opts). */
final class Postmaster {

    private static final Pattern WORD = Pattern.compile("\"([^\"]*)\"|(\\S+)");

    private Postmaster() {}

    static void start(Path directory, int port) {
        try {
            List<String> command = new ArrayList<>();
            if (Files.readString(Path.of("/proc/self/status")).contains("\nUid:\t0\t")) {
                // PostgreSQL refuses to run as root; in a user namespace it is nobody.
                command.addAll(List.of("unshare", "-U"));
            }
            Matcher words = WORD.matcher(
                    Files.readString(directory.resolve("postmaster.opts")).strip());
            while (words.find()) {
                command.add(words.group(1) != null ? words.group(1) : words.group(2));
            }
            command.set(command.indexOf("-D") + 1, directory.toString());
            command.set(command.indexOf("-p") + 1, Integer.toString(port));
            new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(directory
                            .resolveSibling(directory.getFileName() + ".log")
                            .toFile()))
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
