using System.Text;

namespace OnCache.Agent.Configuration;

/// <summary>Reads the bytes of a configuration file, whatever the path leads to.</summary>
/// <param name="Path">The path as the user gave it.</param>
internal sealed record ConfigurationFile(string Path)
{
    // The largest node, 4096 pods with long labels, stays well below.
    private const int MaximumBytes = 8 * 1024 * 1024;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The bytes of the file, or the problem that keeps it from being read.</summary>
    public (byte[]? Bytes, ConfigurationProblem? Problem) Bytes()
    {
        try
        {
            if (Directory.Exists(Path))
            {
                return (null, Whole("is a directory; name the YAML file in it"));
            }

            using var file = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            if (!file.CanSeek)
            {
                return (null, Whole("is a pipe or a device; name a regular file, which can be read again when it changes"));
            }

            if (file.Length > MaximumBytes)
            {
                return (null, Whole($"is larger than {MaximumBytes >> 20} MiB; a node's configuration is smaller"));
            }

            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return (bytes, null);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return (null, Whole("does not exist; name a YAML file with a NodeCacheConfig and a LocalEndpoints document"));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return (null, Whole($"cannot be read: {failure.Message}"));
        }
    }

    /// <summary>What the bytes mean.</summary>
    public ConfigurationReading Read(byte[] bytes)
    {
        try
        {
            return ConfigurationDocuments.Read(Path, Utf8.GetString(bytes));
        }
        catch (DecoderFallbackException)
        {
            return new ConfigurationReading(null, [Whole("is not UTF-8 text; save it as UTF-8")]);
        }
    }

    private ConfigurationProblem Whole(string message) => new(Path, 0, "", message);
}
