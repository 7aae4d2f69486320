// A package of its own, because what is read names its class so.
package org.codehaus.mojo.animal_sniffer;

import java.io.InputStream;
import java.io.ObjectInputFilter;
import java.io.ObjectInputStream;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.GZIPInputStream;

/**
 * Prints the public API of a platform: {@code java Signatures.java FILE.signature}.
 *
 * <p>A line for each class: its name, what it extends and implements, then its fields and methods as class files name
 * them ({@code name#descriptor}), all separated by blanks.
 */
public class Signatures {
    public static void main(String[] arguments) throws Exception {
        StringBuilder all = new StringBuilder();
        try (InputStream file = new GZIPInputStream(Files.newInputStream(Path.of(arguments[0])));
                ObjectInputStream classes = new ObjectInputStream(file)) {
            // Nothing but these classes and the JDK's collections are made of it.
            classes.setObjectInputFilter(
                    ObjectInputFilter.Config.createFilter(Clazz.class.getName() + ";java.base/*;!*"));
            Clazz one;
            while ((one = (Clazz) classes.readObject()) != null) {
                all.append(one.name).append(' ').append(one.superClass == null ? "-" : one.superClass).append(' ');
                all.append(one.superInterfaces.length == 0 ? "-" : String.join(",", one.superInterfaces));
                for (String member : new TreeSet<>(one.signatures)) all.append(' ').append(member);
                all.append('\n');
            }
        }
        System.out.print(all);
    }
}

class Clazz implements Serializable {
    private static final long serialVersionUID = 1L;

    String name;
    Set<String> signatures;
    String superClass;
    String[] superInterfaces;
}
