package dev.perdure.cli;

import dev.perdure.config.BuildInfo;
import io.quarkus.runtime.annotations.RegisterForReflection;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;

/** The commands of the program that run without the worker. */
@RegisterForReflection(classNames = {"picocli.CommandLine$AutoHelpMixin", "picocli.CommandLine$HelpCommand"})
@Command(
        name = "perdure",
        description = "Without a command: runs the worker.",
        mixinStandardHelpOptions = true,
        versionProvider = Commands.Version.class,
        subcommands = {
            SetupCommand.class,
            DoctorCommand.class,
            UninstallCommand.class,
            SqlCommand.class,
            VersionCommand.class,
            CommandLine.HelpCommand.class
        })
public final class Commands implements Runnable {

    /** The exit code after a problem that the command is about, as opposed to one of its arguments. */
    static final int PROBLEM = 1;

    private static final int WIDTH = 120;

    /** For picocli. */
    public Commands() {}

    @Override
    public void run() {
        // Without a command the worker is run (PerdureMain).
    }

    /**
     * Runs a command.
     *
     * @return the exit code: 0, 1 when something is wrong, 2 when the command was misspelt
     */
    public static int run(PrintWriter out, PrintWriter err, String... arguments) {
        return new CommandLine(new Commands())
                .setOut(out)
                .setErr(err)
                .setUsageHelpWidth(WIDTH)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler(Problems::report)
                .execute(arguments);
    }

    /** The version of this Perdure. */
    @RegisterForReflection
    static final class Version implements IVersionProvider {

        Version() {}

        @Override
        public String[] getVersion() {
            return new String[] {"perdure " + BuildInfo.read()};
        }
    }
}
