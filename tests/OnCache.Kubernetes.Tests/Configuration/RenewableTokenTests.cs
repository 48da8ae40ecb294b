using System.Net.Http.Headers;
using k8s.Authentication;
using OnCache.Kubernetes.Client;
using OnCache.Kubernetes.Configuration;
using OnCache.Kubernetes.Entities;
using OnCache.Kubernetes.Models;
using OnCache.Kubernetes.Tests.Fakes;

namespace OnCache.Kubernetes.Tests.Configuration;

public sealed class RenewableTokenTests : IDisposable
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static readonly NamespacedName Name = new("default", "a");

    private readonly string _folder = Directory.CreateTempSubdirectory("token-").FullName;

    private string TokenPath => Path.Combine(_folder, "token");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_file_missing_or_empty_for_a_moment_is_bridged_but_not_at_the_start()
    {
        var token = RenewableToken.File(TokenPath);
        (await Should.ThrowAsync<KubernetesException>(async () => await token.GetAuthenticationHeaderAsync(Token)))
            .Message.ShouldStartWith($"token file {TokenPath}: Could not find file");
        (await Should.ThrowAsync<KubernetesException>(async () => await ReadAsync(token, " \n")))
            .Message.ShouldBe($"token file {TokenPath}: it is empty");

        (await ReadAsync(token, "one")).ShouldBe("one");
        token.Renew(refused: new AuthenticationHeaderValue("Bearer", "one"));
        (await ReadAsync(token, string.Empty)).ShouldBe("one");
        File.Delete(TokenPath);
        (await token.GetAuthenticationHeaderAsync(Token)).Parameter.ShouldBe("one");
        (await ReadAsync(token, "two")).ShouldBe("two");
    }

    [Fact]
    public async Task A_refused_token_is_read_again_and_the_request_repeated_once()
    {
        await using var server = await FakeApiServer.StartAsync(
            Answer.Json(Samples.Map("a")),
            Answer.Status(401, "Unauthorized", "expired"),
            Answer.Json(Samples.Map("a")));
        await File.WriteAllTextAsync(TokenPath, "one", Token);
        using var client = server.Client(token: RenewableToken.File(TokenPath));
        _ = await client.GetAsync<V1ConfigMap>(Name, Token);

        await File.WriteAllTextAsync(TokenPath, "two", Token);
        _ = await client.GetAsync<V1ConfigMap>(Name, Token);

        server.Requests.Select(request => request.Authorization).ShouldBe(["Bearer one", "Bearer one", "Bearer two"]);
    }

    [Fact]
    public async Task A_refused_change_is_repeated_with_what_it_sent()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.Status(401, "Unauthorized", "expired"), Answer.Json(Samples.Map("a")));
        await File.WriteAllTextAsync(TokenPath, "one", Token);
        var token = RenewableToken.File(TokenPath);
        _ = await token.GetAuthenticationHeaderAsync(Token);
        await File.WriteAllTextAsync(TokenPath, "two", Token);
        using var client = server.Client(token: token);

        _ = await client.CreateAsync(Samples.Map("a"), Token);

        server.Requests.Select(request => request.Authorization).ShouldBe(["Bearer one", "Bearer two"]);
        server.Requests[1].Body.ShouldBe(server.Requests[0].Body);
    }

    [Fact]
    public async Task A_refused_token_that_is_still_the_same_is_not_sent_again()
    {
        await using var server = await FakeApiServer.StartAsync(Answer.Status(401, "Unauthorized", "no"));
        await File.WriteAllTextAsync(TokenPath, "one", Token);
        using var client = server.Client(token: RenewableToken.File(TokenPath));

        (await Should.ThrowAsync<KubernetesException>(() => client.GetAsync<V1ConfigMap>(Name, Token))).Reason.ShouldBe(StatusReason.Unauthorized);
        server.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_source_that_fails_is_said_in_one_line()
    {
        var token = new RenewableToken("exec get-token", static () => new Broken());

        (await Should.ThrowAsync<KubernetesException>(() => token.GetAuthenticationHeaderAsync(Token))).Message.ShouldBe("exec get-token: no luck");
    }

    [Fact]
    public async Task A_token_that_was_read_anew_since_is_not_read_again_for_a_request_that_was_sent_before()
    {
        var sources = 0;
        var token = new RenewableToken("test", () => new Numbered(++sources));
        var first = await token.GetAuthenticationHeaderAsync(Token);
        token.Renew(first);
        (await token.GetAuthenticationHeaderAsync(Token)).Parameter.ShouldBe("2");

        token.Renew(first);

        (await token.GetAuthenticationHeaderAsync(Token)).Parameter.ShouldBe("2");
    }

    [Fact]
    public async Task All_requests_wait_for_one_source_and_each_can_be_given_up()
    {
        var slow = new Slow();
        var token = new RenewableToken("exec slow", () => slow);
        using var given = new CancellationTokenSource();
        var (one, other) = (token.GetAuthenticationHeaderAsync(given.Token), token.GetAuthenticationHeaderAsync(Token));

        await given.CancelAsync();
        _ = await Should.ThrowAsync<OperationCanceledException>(() => one.InTimeAsync());
        slow.Answer.SetResult(new AuthenticationHeaderValue("Bearer", "late"));

        (await other.InTimeAsync()).Parameter.ShouldBe("late");
        slow.Asked.ShouldBe(1);
    }

    private async Task<string?> ReadAsync(RenewableToken token, string content)
    {
        await File.WriteAllTextAsync(TokenPath, content, Token);
        return (await token.GetAuthenticationHeaderAsync(Token)).Parameter;
    }

    private sealed class Broken : ITokenProvider
    {
        public Task<AuthenticationHeaderValue> GetAuthenticationHeaderAsync(CancellationToken cancellationToken) =>
            throw new InvalidOperationException("outer", new IOException("no luck\n   at a place"));
    }

    private sealed class Numbered(int number) : ITokenProvider
    {
        public Task<AuthenticationHeaderValue> GetAuthenticationHeaderAsync(CancellationToken cancellationToken) =>
            Task.FromResult(new AuthenticationHeaderValue("Bearer", $"{number}"));
    }

    private sealed class Slow : ITokenProvider
    {
        public TaskCompletionSource<AuthenticationHeaderValue> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Asked { get; private set; }

        public Task<AuthenticationHeaderValue> GetAuthenticationHeaderAsync(CancellationToken cancellationToken)
        {
            Asked++;
            return Answer.Task;
        }
    }
}
