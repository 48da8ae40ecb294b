namespace OnCache.Agent.Tests;

/// <summary>Golden cases: a folder per case, so that a new case needs no code.</summary>
internal static class TestAssets
{
    /// <summary>The names of the cases of one area.</summary>
    public static TheoryData<string> Cases(string area)
    {
        var cases = new TheoryData<string>();
        foreach (var folder in Directory.GetDirectories(FolderOf(area, "")).Order(StringComparer.Ordinal))
        {
            cases.Add(Path.GetFileName(folder));
        }

        return cases;
    }

    /// <summary>A file of a case.</summary>
    public static string Read(string area, string name, string file) => File.ReadAllText(Path.Combine(FolderOf(area, name), file));

    private static string FolderOf(string area, string name) => Path.Combine(AppContext.BaseDirectory, area, "testassets", name);
}
