package dev.perdure.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.quarkus.runtime.annotations.RegisterForReflection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;

class CommandsTest {

    private final JavaClasses cli = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.perdure.cli");

    @Test
    void a_native_executable_keeps_whatever_the_command_line_is_read_into() {
        classes()
                .that()
                .areAnnotatedWith(Command.class)
                .or()
                .implement(IVersionProvider.class)
                .should()
                .beAnnotatedWith(RegisterForReflection.class)
                .check(cli);
        fields().that()
                .areAnnotatedWith(Option.class)
                .should()
                .beDeclaredInClassesThat()
                .areAnnotatedWith(RegisterForReflection.class)
                .check(cli);
    }

    @ParameterizedTest
    @ValueSource(strings = {"setup", "doctor", "uninstall", "sql", "version"})
    void each_command_explains_itself(String command) {
        Call help = Call.of(command, "--help");

        assertThat(help.code()).isZero();
        assertThat(help.out()).startsWith("Usage: perdure " + command);
    }

    @Test
    void the_version_is_that_of_the_build() {
        assertThat(Call.of("--version").out())
                .startsWith("perdure ")
                .isEqualTo(Call.of("version").out());
    }

    @Test
    void an_unknown_command_is_refused_with_the_known_ones() {
        Call misspelt = Call.of("stup");

        assertThat(misspelt.code()).isEqualTo(2);
        assertThat(misspelt.err()).contains("setup");
    }
}
