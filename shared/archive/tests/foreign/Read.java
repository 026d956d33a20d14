import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.zip.*;

/** An archive, read by Java front to back, as whatever fetches it by HTTP would. Prints name, bytes and CRC-32 of each file. */
public class Read {
    public static void main(String[] arguments) throws IOException {
        PrintStream out = new PrintStream(new BufferedOutputStream(System.out), false, StandardCharsets.UTF_8);
        byte[] piece = new byte[1 << 16];
        try (ZipInputStream zip = new ZipInputStream(new BufferedInputStream(new FileInputStream(arguments[0])))) {
            for (ZipEntry entry; (entry = zip.getNextEntry()) != null; ) {
                CRC32 crc = new CRC32();
                long size = 0;
                for (int read; (read = zip.read(piece)) >= 0; size += read) {
                    crc.update(piece, 0, read);
                }
                out.printf("%s\t%d\t%08x\n", entry.getName(), size, crc.getValue());
            }
        }
        out.flush();
    }
}
