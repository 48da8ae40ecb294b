namespace OnCache.Lab.Cluster.Pki;

/// <summary>A certificate, or a public key alone, with its private key; both PEM.</summary>
public sealed record PemPair(string Public, string PrivateKey)
{
    /// <summary>Writes NAME.crt and NAME.key; the key is readable by its owner only.</summary>
    internal void Save(string folder, string name)
    {
        File.WriteAllText(Path.Combine(folder, $"{name}.crt"), Public);
        var key = Path.Combine(folder, $"{name}.key");
        using var stream = new FileStream(key, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        using var writer = new StreamWriter(stream);
        writer.Write(PrivateKey);
    }

    internal static PemPair Load(string folder, string name) =>
        new(File.ReadAllText(Path.Combine(folder, $"{name}.crt")), File.ReadAllText(Path.Combine(folder, $"{name}.key")));
}
