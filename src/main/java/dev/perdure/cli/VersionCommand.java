package dev.perdure.cli;

import dev.perdure.config.BuildInfo;
import io.quarkus.runtime.annotations.RegisterForReflection;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code perdure version}. */
@RegisterForReflection
@Command(name = "version", description = "Says which Perdure this is.", mixinStandardHelpOptions = true)
final class VersionCommand implements Runnable {

    @Spec
    private CommandSpec spec;

    VersionCommand() {}

    @Override
    public void run() {
        spec.commandLine().getOut().println("perdure " + BuildInfo.read());
    }
}
