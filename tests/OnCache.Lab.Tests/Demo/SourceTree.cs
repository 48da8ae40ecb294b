namespace OnCache.Lab.Tests.Demo;

/// <summary>The checkout that the tests were built in.</summary>
internal static class SourceTree
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "OnCache.sln")))
            {
                return folder;
            }
        }

        throw new InvalidOperationException("the tests are not inside the source tree");
    }
}
