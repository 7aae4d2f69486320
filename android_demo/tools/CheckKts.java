import java.nio.file.Files;
import java.nio.file.Path;
import org.jetbrains.kotlin.cli.jvm.compiler.EnvironmentConfigFiles;
import org.jetbrains.kotlin.cli.jvm.compiler.KotlinCoreEnvironment;
import org.jetbrains.kotlin.com.intellij.openapi.Disposable;
import org.jetbrains.kotlin.com.intellij.openapi.util.Disposer;
import org.jetbrains.kotlin.com.intellij.psi.PsiErrorElement;
import org.jetbrains.kotlin.com.intellij.psi.util.PsiTreeUtil;
import org.jetbrains.kotlin.config.CompilerConfiguration;
import org.jetbrains.kotlin.psi.KtFile;
import org.jetbrains.kotlin.psi.KtPsiFactory;

/** Prints the syntax errors of Kotlin scripts as the Kotlin compiler's own parser sees them; exit code 1 where one has any. */
final class CheckKts {
    public static void main(String[] names) throws Exception {
        Disposable disposable = Disposer.newDisposable();
        KotlinCoreEnvironment environment = KotlinCoreEnvironment.createForProduction(
                disposable, new CompilerConfiguration(), EnvironmentConfigFiles.JVM_CONFIG_FILES);
        KtPsiFactory parser = new KtPsiFactory(environment.getProject(), false);
        int errors = 0;
        for (String name : names) {
            Path path = Path.of(name);
            KtFile file = parser.createFile(path.getFileName().toString(), Files.readString(path));
            for (PsiErrorElement error : PsiTreeUtil.collectElementsOfType(file, PsiErrorElement.class)) {
                long line = file.getText().substring(0, error.getTextOffset()).chars().filter(c -> c == '\n').count() + 1;
                System.out.println(name + ":" + line + ": " + error.getErrorDescription());
                errors++;
            }
        }
        Disposer.dispose(disposable);
        System.exit(errors == 0 ? 0 : 1);
    }
}
