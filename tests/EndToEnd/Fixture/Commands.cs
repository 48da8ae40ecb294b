using OnCache.Lab.Overlay;

namespace OnCache.EndToEnd.Fixture;

internal static class Commands
{
    /// <summary>Runs a command inside, which must succeed; returns its output.</summary>
    /// <param name="member">Where.</param>
    /// <param name="line">The command and its arguments, separated by single spaces.</param>
    public static async Task<string> DoAsync(this LabMember member, string line)
    {
        var words = line.Split(' ');
        return (await member.RunCommandAsync(words[0], words[1..], TestContext.Current.CancellationToken)).EnsureSuccess().Output;
    }

    /// <summary>As <see cref="DoAsync"/> for clean-up: also when the test is cancelled, and whether or not it succeeds.</summary>
    public static async Task UndoAsync(this LabMember member, string line)
    {
        var words = line.Split(' ');
        _ = await member.RunCommandAsync(words[0], words[1..], CancellationToken.None);
    }
}
